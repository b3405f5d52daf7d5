/**
 * Linux' routing netlink: questions, requests, and notices.
 *
 * @module
 */
export {
  askNetlink,
  dumpNetlink,
  encodeAttribute,
  encodeMessage,
  messageType,
  NetlinkNotices,
  readAttributes,
  readAttributesAt,
} from "./linux.ts";

/**
 * Linux' netlink: questions and requests about routes, and notices.
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

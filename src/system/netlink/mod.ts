/** Linux' routing netlink: questions, requests, and notices. */
export {
  askNetlink,
  dumpNetlink,
  encodeAttribute,
  encodeMessage,
  messageType,
  NetlinkNotices,
  readAttributes,
  readAttributesAt,
} from "./netlink.ts";

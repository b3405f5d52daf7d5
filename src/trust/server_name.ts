/**
 * Whether a certificate speaks for a server's name: RFC 9525, by subjectAltName alone (the common name
 * counts for nothing, section 2).
 *
 * @module
 */
import { formatIp, parseIp } from "../proto/ip.ts";
import { domainToASCII } from "node:url";
import type { Certificate } from "./certificate.ts";

/** Whether one of the certificate's names is `serverName`, a host name or an IP address. */
export function matchesServerName({ names }: Certificate, serverName: string): boolean {
  const ip = canonicalIp(serverName);
  const host = ip === undefined ? canonicalHost(serverName) : undefined;
  return names.some(({ type, value }) =>
    type === "ip" ? value === ip : host !== undefined && matchesDnsName(value, host)
  );
}

/** A presented DNS-ID against a canonical host name (RFC 9525 section 6.3). */
export function matchesDnsName(presented: string, host: string): boolean {
  const pattern = presented.toLowerCase();
  if (!pattern.startsWith("*.")) return pattern === host && !pattern.includes("*");
  // "*" stands for exactly one whole label, the first; nowhere else.
  const suffix = pattern.slice(1);
  if (suffix.includes("*") || suffix.length < 2) return false;
  const dot = host.indexOf(".");
  return dot > 0 && host.slice(dot) === suffix;
}

/** An address in its one canonical form; undefined when it is no IP address. */
export function canonicalIp(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  const bytes = parseIp(bare);
  return bytes === undefined ? undefined : formatIp(bytes);
}

/** A host name as A-labels in lower case, without the root's dot; undefined when it is none. */
export function canonicalHost(text: string): string | undefined {
  const ascii = domainToASCII(text.replace(/\.$/, "")).toLowerCase();
  if (ascii.length === 0 || ascii.length > 253 || parseIp(ascii) !== undefined) return undefined;
  const labels = ascii.split(".");
  return labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))
    ? ascii
    : undefined;
}

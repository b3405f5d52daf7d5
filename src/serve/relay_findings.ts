/**
 * What the operator of a relay should know, decided from what is to be seen of it.
 *
 * @module
 */
import { type HostFinding, relayFinding } from "../observe/host_findings.ts";
import { lostDatagramsFinding } from "../observe/receive_buffer.ts";
import type { RelayView } from "./relay_view.ts";

/** Decides; what stops all comes first. */
export function relayFindings(view: RelayView): HostFinding[] {
  const { draining, certificate, unixMs, reactors = [], lostDatagrams, dropsOfLate } = view;
  const found: HostFinding[] = [];
  if (draining) found.push(relayFinding("draining", "stops"));
  for (const { reactor, up } of reactors) {
    if (!up) found.push(relayFinding("reactor-down", "stops", { reactor: `${reactor}` }));
  }
  if (certificate.finding !== undefined) {
    const weight = certificate.expiresUnixMs < unixMs ? "stops" : "disturbs";
    found.push({ key: "certificate", weight, what: certificate.finding });
  }
  const lost = lostDatagramsFinding(lostDatagrams);
  if (lost !== undefined) found.push(lost);
  for (const { key, what, advice } of dropsOfLate) {
    found.push({ key, weight: "disturbs", what, ...advice === undefined ? {} : { advice } });
  }
  return found;
}

/** `deno task demo`: builds the executables, plays a whole party in namespaces, and judges it. */
import { CommandError, type LabProcess, ProcessError } from "../lab/process.ts";
import { PARTY, Party } from "../lab/party.ts";
import { build, runTool } from "../build/build.ts";
import { BuildError } from "../build/cache.ts";
import {
  checkBroadcast,
  checkFullPayloads,
  checkLease,
  checkLinkLocal,
  checkMulticast,
  checkPing,
  checkSeparation,
  checkTcp,
  type Ends,
} from "../lab/checks.ts";
import { formatTable, type Row } from "../lab/table.ts";
import { NETWORK_PLAY } from "../build/prerequisites.ts";
import { step } from "../build/progress.ts";
import { readToolArguments } from "../build/tool_arguments.ts";

const USAGE = "usage: deno task demo [--keep]";
const OPTIONS = [{ name: "keep" }, { name: "help", letter: "h" }];

/** Sets the party up, with everything that the demo shows. */
async function openParty(party: Party): Promise<Ends> {
  const player = await party.addPlayer("player");
  await party.startDhcpServer();
  await party.startRelay();
  await party.startGateway();
  await party.startClient(player);
  return { lan: party.lan, player, playerAddress: await party.lanAddressOf(player) };
}

async function judge(party: Party, ends: Ends): Promise<Row[]> {
  const { lan, player, playerAddress } = ends;
  const leases = await Deno.readTextFile(`${party.folder}/leases`);
  const rows = await checkLease(ends, leases);
  const add = async (name: string, check: () => Promise<Row | Row[]>) => {
    rows.push(...[await step(name, check)].flat());
  };
  await add("separation", () => checkSeparation(ends));
  await add("ping", async () => [
    await checkPing("ping, player to LAN", player, PARTY.lanAddress),
    await checkPing("ping, LAN to player", lan, playerAddress),
    await checkLinkLocal(ends),
  ]);
  await add("broadcast", () => checkBroadcast(ends));
  await add("multicast", () => checkMulticast(ends));
  await add("TCP", async () => [
    await checkTcp("TCP, player to LAN", ends, false),
    await checkTcp("TCP, LAN to player", ends, true),
  ]);
  await add("full payloads", async () => [
    await checkFullPayloads("UDP of 1472 bytes, player to LAN", ends, false),
    await checkFullPayloads("UDP of 1472 bytes, LAN to player", ends, true),
  ]);
  return rows;
}

function showHowToEnter(party: Party): void {
  console.log("\nThe party goes on. Enter its machines with:");
  for (const name of ["lan", "gateway", "relay", "player"]) {
    console.log(`  ip netns exec ${party.lab.get(name).fullName} bash    # ${name}`);
  }
  console.log("Press Ctrl-C here to end it and remove everything.");
}

/** @throws {BuildError} this machine does not let us make them */
async function openNamespaces(): Promise<Party> {
  try {
    return await Party.open();
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    const why = cause.message.replaceAll("\n", ": ");
    throw new BuildError(`network namespaces cannot be made here: ${why}`, { cause });
  }
}

async function demo(keep: boolean): Promise<number> {
  await build(NETWORK_PLAY);
  const party = await step("making namespaces and links", openNamespaces);
  try {
    const ends = await step(
      "starting relay, gateway, client and DHCP server",
      () => openParty(party),
    );
    const rows = await judge(party, ends);
    console.log(`\n${formatTable(rows)}`);
    const failed = rows.filter((row) => !row.ok).length;
    console.log(failed === 0 ? "The party works." : `${failed} of ${rows.length} checks failed.`);
    if (keep) {
      showHowToEnter(party);
      await party.lab.untilSignal();
    }
    if (failed > 0) showOutput(party);
    return failed === 0 ? 0 : 1;
  } catch (error) {
    showOutput(party);
    if (!(error instanceof CommandError || error instanceof ProcessError)) throw error;
    const [line] = error.message.split("\n");
    throw new BuildError(`the party cannot be played: ${line}`, { cause: error });
  } finally {
    await party.close();
  }
}

/** What the programs said, when something went wrong. */
function showOutput(party: Party): void {
  const show = (name: string, process: LabProcess | undefined) => {
    if (process !== undefined) console.error(`--- ${name}\n${process.stdout}${process.stderr}`);
  };
  show("relay", party.relayProcess);
  show("gateway", party.gatewayProcess);
  for (const [name, process] of party.clients) show(name, process);
}

async function main(): Promise<number> {
  const found = readToolArguments({ usage: USAGE, options: OPTIONS }, Deno.args);
  if (found === undefined) return 2;
  if (found.switches.has("help")) {
    console.log(USAGE);
    return 0;
  }
  return await demo(found.switches.has("keep"));
}

if (import.meta.main) await runTool(main);

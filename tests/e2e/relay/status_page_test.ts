/**
 * The relay's page in a real browser, on a desk and on a phone, while a party goes on.
 *
 * ```
 *  gateway, two players ── frames, some of them forbidden ──► relay ──HTTP──► chromium: desk, phone
 * ```
 */
import { assert, assertEquals, assertGreater, assertMatch, assertNotEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { Browser, type Viewport } from "../../support/browser.ts";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { arrive, reactorPids, roomOf } from "../../support/reactors.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const MAC_FOREIGN = "02:00:00:00:00:99";
/** As long as names may be, and no place to break it. */
const LONG_NAME = "W".repeat(64);
const EVIL_NAME = "<img src=x onerror=alert(1)>";
const DESK: Viewport = { width: 1_280, height: 900, isMobile: false };
const PHONE: Viewport = { width: 360, height: 740, isMobile: true };
/** Smaller letters strain the eyes. */
const FONT_PIXELS_MIN = 12;
const PATIENCE_MS = 30_000;

/** Sends frames, ever more of them, until told to stop. */
function traffic(from: DenoEndpoint, all: readonly DenoEndpoint[]): () => Promise<void> {
  let running = true;
  const frame = (destination: string, source: string) =>
    ethernet({ destination, source, type: 0x88b6, payload: pattern(400) });
  const sending = (async () => {
    for (let round = 0; running; round++) {
      for (let i = 0; i < 1 + round % 40; i++) await from.sendFrame(frame(MAC_B, MAC_A));
      await from.sendFrame(frame(BROADCAST_MAC, MAC_FOREIGN));
      for (const endpoint of all) endpoint.takeFrames();
      await pause(50);
    }
  })();
  return () => {
    running = false;
    return sending;
  };
}

/** The text of all that a selector finds. */
async function texts(page: Page, selector: string): Promise<string[]> {
  return await page.$$eval(selector, (found) => found.map((one) => one.textContent ?? ""));
}

async function shows(page: Page, selector: string, pattern: RegExp): Promise<void> {
  let seen: string[] = [];
  const holds = async () => (seen = await texts(page, selector)).some((text) => pattern.test(text));
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert(performance.now() < endMs, `${selector} shows no ${pattern}: ${JSON.stringify(seen)}`);
    await pause(200);
  }
}

/** How many points each plot's lines have, and how many heights there are among them. */
async function plotPoints(page: Page): Promise<number[]> {
  return await page.$$eval("#plots path.line", (lines) =>
    lines.map((line) => {
      const points = (line.getAttribute("d") ?? "").slice(1).split("L");
      return new Set(points.map((point) => point.split(" ")[1])).size;
    }));
}

/** What is wrong with a page for a reader: it is wider than its window, or its letters are too small. */
async function hardships(page: Page): Promise<string[]> {
  return await page.evaluate((pixelsMin) => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const found = scrollWidth > clientWidth ? [`${scrollWidth} of ${clientWidth} pixels wide`] : [];
    for (const element of document.querySelectorAll("body *")) {
      const text = [...element.childNodes].find((node) =>
        node.nodeType === Node.TEXT_NODE && node.textContent?.trim()
      );
      const box = element.getBoundingClientRect();
      if (text === undefined || box.width === 0) continue;
      const pixels = parseFloat(getComputedStyle(element).fontSize);
      if (pixels < pixelsMin) found.push(`${pixels} pixels: ${text.textContent}`);
      if (box.right > clientWidth + 1) found.push(`cut off: ${text.textContent}`);
    }
    return found;
  }, FONT_PIXELS_MIN);
}

/** Whether a screenshot of a plot holds anything but its empty grid: it changes when the lines go. */
async function assertDrawn(page: Page): Promise<void> {
  // It stands still meanwhile: every two seconds it would put new plots in the place of these.
  await page.evaluate(() => {
    globalThis.fetch = () => new Promise(() => {});
  });
  await page.waitForNetworkIdle({ idleTime: 500 });
  for (const plot of await page.$$("#plots svg")) {
    const before = await plot.screenshot();
    await plot.evaluate((svg) => [...svg.querySelectorAll("path")].map((path) => path.remove()));
    assertNotEquals(await plot.screenshot(), before, "a plot shows nothing");
  }
}

Deno.test("the page shows rooms, peers, rates and drops live, on a desk and on a phone", async () => {
  await using relay = await RelayProcess.start({ options: ["--status", "0"] });
  const url = await relay.statusUrl();
  await using gateway = await DenoEndpoint.connect(relay.address);
  await using ann = await DenoEndpoint.connect(relay.address);
  await using bob = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "PARTY", name: LONG_NAME });
  await ann.join({ room: "PARTY", mac: MAC_A, name: EVIL_NAME });
  await bob.join({ room: "PARTY", mac: MAC_B, name: LONG_NAME });
  const stop = traffic(ann, [gateway, bob]);
  await using browser = await Browser.start();
  for (const viewport of [DESK, PHONE]) {
    const { page, faults } = await browser.open(url, viewport);
    await shows(page, "#state", /^version .* up for/);
    assertEquals(await texts(page, ".room h2"), ["PARTY"]);
    await shows(page, ".room .badge", /^gateway$/);
    await shows(page, ".peers td", new RegExp(`^${EVIL_NAME.replaceAll(/[()]/g, "\\$&")} #2`));
    await shows(page, ".peers td", new RegExp(`^gateway #1${LONG_NAME}`));
    await shows(page, ".peers td.in", /^[1-9][\d.]* [kM]bit\/s$/);
    await shows(page, "#drops td", /^foreign-sourcea player's frame came from a MAC/);
    await shows(page, "#drops td.bad", /^\d+(\.\d)?\/s$/);
    const rateThen = (await texts(page, ".peers td.in")).join();
    await eventually("other rates", async () => {
      return (await texts(page, ".peers td.in")).join() !== rateThen;
    }, PATIENCE_MS);
    const drops = async () => Number((await texts(page, "#drops td.number:last-child"))[0]);
    const dropsThen = await drops();
    assertGreater(dropsThen, 0);
    await eventually("more drops", async () => await drops() > dropsThen, PATIENCE_MS);
    await eventually("plots with shapes", async () => {
      return (await plotPoints(page)).every((heights) => heights >= 3);
    }, PATIENCE_MS);
    assertEquals((await plotPoints(page)).length, 5);
    assertEquals(await hardships(page), []);
    await assertDrawn(page);
    assertEquals(faults, []);
    await page.close();
  }
  await stop();
  await assertFoldsAndLoss(browser, url, relay, bob);
});

/** Where the name of a peer and what stands behind it are drawn: pixels from the left. */
async function placeOfName(
  page: Page,
  name: string,
): Promise<{ nameEnd: number; idStart: number }> {
  return await page.evaluate((wanted) => {
    const found = [...document.querySelectorAll(".peers td bdi")]
      .find(({ textContent }) => textContent === wanted)!;
    const range = document.createRange();
    range.selectNodeContents(found.nextSibling!);
    return {
      nameEnd: found.getBoundingClientRect().right,
      idStart: range.getBoundingClientRect().left,
    };
  }, name);
}

Deno.test("names that run from right to left or are heaped with marks disturb nothing around them", async () => {
  await using relay = await RelayProcess.start({ options: ["--status", "0"] });
  const url = await relay.statusUrl();
  await using gateway = await DenoEndpoint.connect(relay.address);
  await using ann = await DenoEndpoint.connect(relay.address);
  await using bob = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "PARTY", name: "\u2067LAN\u2069\u2029\u202Etxt" });
  await ann.join({ room: "PARTY", mac: MAC_A, name: "\u202eאבג" });
  await bob.join({ room: "PARTY", mac: MAC_B, name: `\u0301a${"\u0301".repeat(62)}` });
  await using browser = await Browser.start();
  const { page, faults } = await browser.open(url, DESK);
  await shows(page, ".peers td", /^gateway #1LANtxt · /);
  await shows(page, ".peers td", /^אבג #202:00:00:00:00:0a · /);
  await shows(page, ".peers td", /^a\u0301{4} #302:/);
  // In a line without isolates the peer's id would stand on the other side of its name.
  const { nameEnd, idStart } = await placeOfName(page, "אבג");
  assert(idStart >= nameEnd - 1, `the id is at ${idStart}, the name ends at ${nameEnd}`);
  assertEquals(await hardships(page), []);
  assertEquals(faults, []);
});

/** A room that the reader folds up stays so; who leaves is gone; and a relay that ends is said to. */
async function assertFoldsAndLoss(
  browser: Browser,
  url: string,
  relay: RelayProcess,
  bob: DenoEndpoint,
): Promise<void> {
  const { page } = await browser.open(url, DESK);
  await shows(page, ".room summary", /3 peers/);
  // In one step: the page may put another card in this one's place at any time.
  await page.$eval(".room summary", (summary) => (summary as HTMLElement).click());
  await bob.leave();
  await shows(page, ".room summary", /2 peers/);
  assertEquals(await page.$(".room[open]"), null);
  relay.kill("SIGTERM");
  await shows(page, "#state.lost", /does not answer/);
  assertMatch((await texts(page, ".room h2")).join(), /^PARTY$/, "what was last known stays");
}

Deno.test("the page of several reactors says where each room is, and which reactor is down", async () => {
  await using relay = await RelayProcess.start({
    options: ["--status", "0", "--reactors", "2"],
  });
  const url = await relay.statusUrl();
  await using _ann = await arrive(relay.address, { room: roomOf(0, 2), mac: MAC_A });
  await using _bob = await arrive(relay.address, { room: roomOf(1, 2), mac: MAC_B });
  await using browser = await Browser.start();
  const { page, faults } = await browser.open(url, PHONE);
  await shows(page, ".room .badge", /^reactor 0$/);
  await shows(page, ".room .badge", /^reactor 1$/);
  assertEquals(await hardships(page), []);
  // Each time it is started again it takes twice as long.
  for (let killed = 0, deaths = 0; deaths < 5; deaths++) {
    const pid = () => reactorPids(relay.pid).get(1) ?? killed;
    await eventually("reactor 1 runs", () => pid() !== killed);
    killed = pid();
    Deno.kill(killed, "SIGKILL");
  }
  await shows(page, "#state.lost", /^down: reactor 1 · version/);
  await shows(page, ".room .badge", /^reactor 0$/);
  await shows(page, "#state.live", /^version/);
  assertEquals(faults, []);
});

/**
 * A browser for tests of pages: Debian's chromium without a window, with a profile of its own that goes
 * with it.
 */
import puppeteer, { type Browser as Puppet, type Page } from "puppeteer-core";
import { findCommand } from "../../tools/build/process.ts";
import { LabProcess } from "../../tools/lab/process.ts";

const START_TIMEOUT_MS = 60_000;
/** It asks nobody in the world for anything. */
const OPTIONS: readonly string[] = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--hide-scrollbars", "--remote-debugging-port=0"],
];

/** A window: its size in CSS pixels, and whether it is a phone's. */
export interface Viewport {
  readonly width: number;
  readonly height: number;
  readonly isMobile: boolean;
}

/** A page, and what went wrong on it: errors, what its console said of them, requests that failed. */
export interface WatchedPage {
  readonly page: Page;
  readonly faults: readonly string[];
}

/** A browser that runs. */
export class Browser implements AsyncDisposable {
  readonly #process: LabProcess;
  readonly #puppet: Puppet;
  readonly #folder: string;

  private constructor(
    process: LabProcess,
    puppet: Puppet,
    folder: string,
  ) {
    this.#process = process;
    this.#puppet = puppet;
    this.#folder = folder;
  }

  /** Starts one. @throws {Error} there is none, or it does not start */
  static async start(): Promise<Browser> {
    const program = await findCommand("chromium");
    if (program === undefined) throw new Error("there is no chromium");
    const folder = await Deno.makeTempDir({ prefix: "lanparty-browser-" });
    const process = new LabProcess([program, ...OPTIONS, `--user-data-dir=${folder}`], {
      env: { HOME: folder },
    });
    const [, url] = await process.waitForLine(/DevTools listening on (ws:\S+)/, START_TIMEOUT_MS);
    const puppet = await puppeteer.connect({ browserWSEndpoint: url, defaultViewport: null });
    return new Browser(process, puppet, folder);
  }

  /** Opens a page in a window of its own. */
  async open(url: string, viewport: Viewport): Promise<WatchedPage> {
    const page = await this.#puppet.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warn") faults.push(message.text());
    });
    page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
    await page.setViewport({ ...viewport, hasTouch: viewport.isMobile, deviceScaleFactor: 2 });
    await page.goto(url, { waitUntil: "domcontentloaded" });
    return { page, faults };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#puppet.close().catch(() => {});
    await this.#process.stop();
    // Its helpers may still write while they end.
    for (let tries = 0; tries < 20; tries++) {
      try {
        return await Deno.remove(this.#folder, { recursive: true });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

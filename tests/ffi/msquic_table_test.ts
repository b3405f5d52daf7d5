/**
 * msquic as its own recipe makes it: two exported functions, and a table of the others. A library of
 * that kind is made of ours, by one that hands on these two functions.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { openMsQuic } from "../../src/quic/msquic_open.ts";
import { msquicLibrary } from "../../tools/lab/native.ts";
import { until } from "../../tools/lab/quic.ts";
import { connectionOf, withPairs } from "../support/quic_pairs.ts";

const SOURCE = `
#include <dlfcn.h>
static void *find(const char *name)
{
    static void *library;
    if (!library) library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    return dlsym(library, name);
}
unsigned MsQuicOpenVersion(unsigned version, const void **table)
{
    unsigned (*open)(unsigned, const void **) = find("MsQuicOpenVersion");
    return open(VERSION ? version : 1, table);
}
void MsQuicClose(const void *table)
{
    void (*close)(const void *) = find("MsQuicClose");
    close(table);
}
`;

/** Runs with a library that exports two functions; `works`: whether it has a table to give. */
async function withPlainLibrary(
  works: boolean,
  run: (path: string) => Promise<void> | void,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-table-" });
  try {
    await Deno.writeTextFile(`${folder}/plain.c`, SOURCE);
    const { success, stderr } = await new Deno.Command("gcc", {
      args: [
        ...["-shared", "-fPIC", `-DVERSION=${works ? 1 : 0}`],
        ...[`-DLIBRARY="${await msquicLibrary()}"`, "-o", `${folder}/plain.so`],
        ...[`${folder}/plain.c`, "-ldl"],
      ],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    await run(`${folder}/plain.so`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a library without our exports is called through its table", async () => {
  await withPlainLibrary(true, (path) =>
    withPairs(1, async (host, [{ client, server }]) => {
      const count = 300;
      const datagram = (i: number) => Uint8Array.of(i >> 8, i & 0xff, 1, 2, 3);
      for (let i = 0; i < count; i++) {
        assert(host.send(connectionOf(client), datagram(i)));
        assert(host.send(connectionOf(server), datagram(count - i)));
      }
      const all = () => server.datagrams.length === count && client.datagrams.length === count;
      await until([host], all, "all datagrams");
      assertEquals(server.datagrams, Array.from({ length: count }, (_, i) => datagram(i)));
      assertEquals(client.datagrams, Array.from({ length: count }, (_, i) => datagram(count - i)));
      await until([host], () => connectionOf(client).unsentBytes === 0, "all reports");
      assertEquals(host.library.version.split(".").slice(0, 2), ["2", "5"]);
    }, path));
});

Deno.test("a library that has no table for us, or is none, is refused", async () => {
  await withPlainLibrary(false, (path) => {
    assertThrows(() => openMsQuic(path), Error, "MsQuicOpenVersion failed: 0x5f");
  });
  assertThrows(() => openMsQuic("/nowhere/libmsquic.so"), Error, "/nowhere/libmsquic.so");
});

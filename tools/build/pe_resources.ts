/**
 * What Windows shows of a program: its icon, its version, and what it says of itself in its manifest.
 * They are resources of the PE file, put beside those that it has (`deno compile` keeps the program
 * itself in one).
 */
import { Data, NtExecutable, NtExecutableResource, Resource } from "resedit";
import { BuildError } from "./cache.ts";

/** What is said of a program. */
export interface ProgramResources {
  /** An .ico file. */
  readonly icon: Uint8Array<ArrayBuffer>;
  /** `1.2.3`, with whatever else after a dash or a plus. */
  readonly version: string;
  readonly fileName: string;
  readonly description: string;
  readonly product: string;
  readonly copyright: string;
}

/** English (United States), UTF-16. */
const LANGUAGE = { lang: 0x0409, codepage: 1200 };
const ICON_ID = 1;
const RT_MANIFEST = 24;
const MANIFEST_ID = 1;
const VOS_NT_WINDOWS32 = 0x0004_0004;
const VFT_APP = 1;

/**
 * The program asks for an administrator's rights itself, when it knows that it needs them; that it
 * knows Windows 10 and 11 (one id for both) and long paths.
 */
const MANIFEST = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <trustInfo xmlns="urn:schemas-microsoft-com:asm.v3">
    <security><requestedPrivileges>
      <requestedExecutionLevel level="asInvoker" uiAccess="false"/>
    </requestedPrivileges></security>
  </trustInfo>
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1">
    <application><supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/></application>
  </compatibility>
  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings>
      <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
    </windowsSettings>
  </application>
</assembly>
`;

/** `1.2.3` as the four numbers that Windows has for a version. */
export function versionNumbers(version: string): [number, number, number, number] {
  const match = /^(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:[-+].*)?$/.exec(version);
  const numbers = match?.slice(1, 4).map(Number) ?? [];
  if (match === null || numbers.some((number) => number > 0xffff)) {
    throw new BuildError(`the version ${version} is not one like 1.2.3`);
  }
  return [numbers[0], numbers[1], numbers[2], 0];
}

/** The program's file with these resources. */
export function withResources(
  program: Uint8Array<ArrayBuffer>,
  resources: ProgramResources,
): Uint8Array<ArrayBuffer> {
  const executable = NtExecutable.from(program, { ignoreCert: true });
  const table = NtExecutableResource.from(executable);
  const { icons } = Data.IconFile.from(resources.icon);
  Resource.IconGroupEntry.replaceIconsForResource(
    table.entries,
    ICON_ID,
    LANGUAGE.lang,
    icons.map(({ data }) => data),
  );
  versionInformation(resources).outputToResourceEntries(table.entries);
  table.replaceResourceEntry({
    ...{ type: RT_MANIFEST, id: MANIFEST_ID, lang: LANGUAGE.lang, codepage: LANGUAGE.codepage },
    bin: new TextEncoder().encode(MANIFEST).buffer,
  });
  table.outputResource(executable);
  return new Uint8Array(executable.generate());
}

function versionInformation(resources: ProgramResources): Resource.VersionInfo {
  const { version, fileName, description, product, copyright } = resources;
  const numbers = versionNumbers(version);
  const high = (numbers[0] << 16 | numbers[1]) >>> 0;
  const low = (numbers[2] << 16 | numbers[3]) >>> 0;
  return Resource.VersionInfo.create(
    LANGUAGE.lang,
    {
      ...{ fileVersionMS: high, fileVersionLS: low, productVersionMS: high, productVersionLS: low },
      ...{ fileFlagsMask: 0x3f, fileOS: VOS_NT_WINDOWS32, fileType: VFT_APP },
    },
    [{
      ...LANGUAGE,
      values: {
        FileDescription: description,
        FileVersion: version,
        InternalName: fileName.replace(/\.exe$/, ""),
        LegalCopyright: copyright,
        OriginalFilename: fileName,
        ProductName: product,
        ProductVersion: version,
      },
    }],
  );
}

/** What a PE file says of its version, such as `2.5.1.0`; undefined: nothing. */
export function fileVersion(file: Uint8Array<ArrayBuffer>): string | undefined {
  const executable = NtExecutable.from(file, { ignoreCert: true });
  const [information] = Resource.VersionInfo.fromEntries(
    NtExecutableResource.from(executable, true).entries,
  );
  if (information === undefined) return undefined;
  const { fileVersionMS: high, fileVersionLS: low } = information.fixedInfo;
  return [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff].join(".");
}

/** Certificates of a test in files: an authority, what it signs, and strangers. */
import {
  issueLeaf,
  type LeafOptions,
  makeAuthority,
  type TestAuthority,
} from "../../tools/lab/certificates.ts";

/** The name that most test relays are called by. */
export const SERVER_NAME = "relay.test";

/** A server's certificate in files. */
export interface IssuedCertificate {
  /** PEM. */
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly derFile: string;
  /** base64url SHA-256 of the public key. */
  readonly fingerprint: string;
}

/** An authority whose files lie in a folder that somebody else removes. */
export class CertificateFiles {
  readonly #folder: string;
  readonly #authority: TestAuthority;
  #issued = 0;

  /** Makes an authority, valid for a year around `unixMs`. */
  static async make(folder: string, unixMs = Date.now()): Promise<CertificateFiles> {
    const files = new CertificateFiles(folder, await makeAuthority(undefined, unixMs));
    await Deno.writeTextFile(files.caFile, files.#authority.certificatePem);
    await Deno.writeFile(files.caDerFile, files.#authority.certificateDer);
    return files;
  }

  private constructor(folder: string, authority: TestAuthority) {
    this.#folder = folder;
    this.#authority = authority;
  }

  /** The authority's certificate, PEM. */
  get caFile(): string {
    return `${this.#folder}/ca.pem`;
  }

  /** The authority's certificate, DER. */
  get caDerFile(): string {
    return `${this.#folder}/ca.der`;
  }

  /** What an endpoint is told so that it trusts what the authority signs for {@linkcode SERVER_NAME}. */
  get trustOptions(): string[] {
    return ["--relay-ca-cert", this.caFile, "--server-name", SERVER_NAME];
  }

  /** The file of an authority that signed nothing here, PEM. */
  async strangerCaFile(): Promise<string> {
    const stranger = await makeAuthority("CN=lanparty stranger");
    const path = `${this.#folder}/stranger.pem`;
    await Deno.writeTextFile(path, stranger.certificatePem);
    return path;
  }

  /** Issues a server certificate, by default a good one. */
  async issue(options: LeafOptions = { names: [SERVER_NAME] }): Promise<IssuedCertificate> {
    const leaf = await issueLeaf(this.#authority, options);
    const base = `${this.#folder}/issued${this.#issued++}`;
    await Deno.writeTextFile(`${base}.pem`, leaf.certificatePem);
    await Deno.writeTextFile(`${base}.key`, leaf.keyPem, { mode: 0o600 });
    await Deno.writeFile(`${base}.der`, leaf.certificateDer);
    return {
      certificateFile: `${base}.pem`,
      keyFile: `${base}.key`,
      derFile: `${base}.der`,
      fingerprint: leaf.fingerprint,
    };
  }
}

/** The options by which a relay uses a certificate. */
export function relayCertificate(issued: IssuedCertificate): string[] {
  return ["--cert", issued.certificateFile, "--key", issued.keyFile];
}

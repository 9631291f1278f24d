/**
 * Text that holds keys, as it lies on disk: encrypted under a secret that is not there, with a checksum that
 * cannot be forged without it (AES-256-GCM). Who has the disk alone has nothing.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const algorithm = "aes-256-gcm";
/** The form of sealed texts; one of another form is refused. */
const form = 1;
const nonceBytes = 12;
const tagBytes = 16;
const purpose = "flag-edge-proxy: discovered environments";

/** @param secret long and random, as keys are: it is not stretched */
export function sealText(text: string, secret: string): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, keyOf(secret), nonce).setAAD(Uint8Array.of(form));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([Uint8Array.of(form), nonce, cipher.getAuthTag(), sealed]);
}

/** @returns null where it is damaged, or was sealed with another secret */
export function openSealed(bytes: Uint8Array, secret: string): string | null {
  const tagStart = 1 + nonceBytes;
  const textStart = tagStart + tagBytes;
  if (bytes[0] !== form || bytes.byteLength < textStart) return null;
  const options = { authTagLength: tagBytes };
  const cipher = createDecipheriv(algorithm, keyOf(secret), bytes.subarray(1, tagStart), options);
  cipher.setAAD(Uint8Array.of(form)).setAuthTag(bytes.subarray(tagStart, textStart));
  try {
    return Buffer.concat([cipher.update(bytes.subarray(textStart)), cipher.final()]).toString("utf8");
  } catch {
    return null;
  }
}

function keyOf(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", purpose, 32));
}

/**
 * The settings of the section `webhook`: the secrets by which the upstream may ask for a refresh. It must
 * never show them.
 */
import { z } from "zod";
import { bytes } from "./quantities.ts";
import { readTextOrNull, setting } from "./setting-readers.ts";

/** The section `webhook` of the file. A path alone would let whoever reads a log ask for refreshes. */
export const webhook = z
  .object({
    path_secret: setting(
      readTextOrNull({
        wanted: "16 to 128 letters, digits, - and _, or null",
        pattern: /^[A-Za-z0-9_-]{16,128}$/,
        remedy: "Make one with `openssl rand -hex 24`, and put it at the end of the webhook's URL.",
      }),
    ).prefault(null),
    signing_secret: setting(
      readTextOrNull({
        wanted: "16 to 255 characters of plain ASCII, or null",
        pattern: /^[\x21-\x7e]{16,255}$/,
        remedy: "Make one with `openssl rand -hex 32`, and set it as the webhook's secret upstream.",
      }),
    ).prefault(null),
    body_bytes_max: bytes(262_144),
  })
  .superRefine((value, context) => {
    if ((value.path_secret === null) === (value.signing_secret === null)) {
      if (value.path_secret === null || value.path_secret !== value.signing_secret) return;
      context.addIssue({
        code: "custom",
        path: ["signing_secret"],
        message: "it is the same as webhook.path_secret, which logs on the way may hold",
        params: { remedy: "Make one of its own with `openssl rand -hex 32`." },
      });
      return;
    }
    const missing = value.path_secret === null ? "path_secret" : "signing_secret";
    context.addIssue({
      code: "custom",
      path: [missing],
      message: "it is missing, and a webhook needs both of its secrets",
      params: { remedy: `Set webhook.${missing}, or neither of the two.` },
    });
  });

/**
 * The list of environments that a proxy key opens, as the upstream sends it (contract B 4.2). What nobody
 * reads is not described; what cannot be used is refused, and the whole list with it: to leave out an
 * environment that is malformed would be to stop serving it.
 */
import { z } from "zod";

/** A key travels in a header: other characters could never be sent or received. */
const key = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]+$/, "must be one line of plain ASCII");

const serverKey = z.object({
  key,
  active: z.boolean(),
  /** RFC 3339; null: never. */
  expires_at: z.string().nullish(),
});

/** Checks a parsed list. */
export const discoveredEnvironments = z.array(
  z.object({
    /** Tells another environment that has got the client key; where it is odd, the key alone tells. */
    id: z.number().nullish().catch(null),
    client_side_key: key,
    server_side_keys: z.array(serverKey),
    name: z.string().nullish().catch(null),
  }),
);

export type DiscoveredEnvironments = z.infer<typeof discoveredEnvironments>;

/** What the section `realtime` says of the streams that clients open. It must not open any. */
import { count, seconds } from "./quantities.ts";

/** To be spread into the section. */
export const clientStreamSettings = {
  keep_alive_seconds: seconds(25),
  stream_lifetime_seconds: seconds(600),
  streams_max: count(20_000),
  environment_streams_max: count(10_000),
};

/** A data plane that runs in one process, as whoever starts it sees it. */
import type { CertificatePair, Settings } from "../models/settings.ts";
import type { DataPlane } from "./environments/served-environments.ts";

/** The data plane of one process. Disposing it drains first: no request in flight is lost. */
export interface RunningServer extends AsyncDisposable {
  /** Takes documents, also before it listens. */
  readonly dataPlane: DataPlane;
  /**
   * @param port the setting's unless given
   * @returns where it listens, such as `http://127.0.0.1:8000`
   * @throws ListenError where the socket cannot be opened
   */
  listen(port?: number): Promise<string>;
  /**
   * Requests that come from now on are answered by these settings, those that have begun by the ones before.
   * Of settings that need a restart those of the start go on to count.
   */
  reconfigure(settings: Settings): void;
  /** Connections that are accepted from now on get this certificate, where the settings ask for TLS. */
  renewCertificate(pair: CertificatePair): void;
  /** Makes a running drain end at once. */
  cutDrain(): void;
}

/**
 * Tells V8 that much memory became garbage. V8 starts to look for it only once 64 MiB of buffers came since
 * it last did: six documents of 10 MiB that nobody serves any more.
 */

/** Less is not worth a collection, which marks for 16 to 39 ms, mostly on other threads. */
const worthBytesMin = 1_048_576;
/** From so many bytes of new buffers on, V8 starts marking; it goes on in small steps. */
const pressureBytes = 67_108_864;

/**
 * Has garbage collected soon, in steps between which requests are answered.
 * @param bytes about how many became garbage, or will have before the next turn of the event loop
 */
export function collectSoon(bytes: number): void {
  if (bytes < worthBytesMin) return;
  setImmediate(() => {
    try {
      // Zeros that are never touched take no memory; being given back, they count no more.
      new ArrayBuffer(pressureBytes).transfer(0);
    } catch {
      // So much address space is not to be had: the garbage stays for longer.
    }
  });
}

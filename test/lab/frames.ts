import { LINKS } from '../packets/build.ts'
import type { Host } from './net.ts'

/** The address of a host's Ethernet device. */
export async function macOf(host: Host, device = 'eth0'): Promise<Buffer> {
  return Buffer.from((await host.resident.ask('mac', { device })).replaceAll(':', ''), 'hex')
}

/** The most frames of one order: each is a message to a thread, and has a time limit. */
const FRAMES_MAX = 1_000
/** Milliseconds for which a busy machine may be late with each. */
const LATE_MS = 100

/** Sends Ethernet frames from a host as they are, so many milliseconds apart. */
export async function sendRaw(from: Host, frames: readonly Uint8Array[], everyMs = 0, device = 'eth0'): Promise<void> {
  for (let first = 0; first < frames.length; first += FRAMES_MAX) {
    const some = frames.slice(first, first + FRAMES_MAX)
    const waitsMs = some.length * (everyMs + LATE_MS)
    // oxlint-disable-next-line no-await-in-loop -- in this order
    await from.resident.ask('frames', { device, frames: some, everyMs }, waitsMs)
  }
}

/**
 * Sends packets to a host's `eth0` in frames made by hand, a millisecond apart.
 *
 * @param link how they are wrapped, a name of {@link LINKS}
 */
export async function sendFrames(
  from: Host,
  to: Host,
  link: string,
  packets: readonly (readonly number[])[],
): Promise<void> {
  const mac = await macOf(to)
  const [, , wrap] = LINKS.find(([name]) => name === link)!
  const frames = packets.map((packet) => Uint8Array.from([...mac, ...wrap(packet).slice(6)]))
  await sendRaw(from, frames, 1)
}

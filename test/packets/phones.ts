import type { Knock } from '../../src/config/config.ts'
import { ICMP, TCP, UDP } from '../../src/packet/packet.ts'
import type { Segment } from './build.ts'

/** A packet of an app, and the milliseconds to wait behind the one before. */
export interface Sent {
  readonly packet: Segment
  readonly afterMs: number
}

/** The options of a first SYN: those of Linux, which Android has, and those of Darwin, which iOS has (RFC 9293, 7323, 2018). */
const SYN_OPTIONS = {
  android: [2, 4, 5, 180, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 9],
  ios: [2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 4, 2, 0, 0],
} as const

/** An app: its system, its usual pause, and the payload of a datagram whose size it does not choose. */
interface App {
  readonly system: keyof typeof SYN_OPTIONS
  readonly pauseMs: number
  readonly datagramBytes: number
  /** Milliseconds after which the system repeats the SYN of a connection that the app still waits for. */
  readonly repeatMs?: number
}

/** The apps as their sources have them: see doc/clients.md. */
export const APPS = {
  'Knock on Ports': { system: 'android', pauseMs: 500, datagramBytes: 0 },
  PortKnocker: { system: 'android', pauseMs: 1_000, datagramBytes: 1 },
  'PortKnocker that waits for connections': { system: 'android', pauseMs: 0, datagramBytes: 1, repeatMs: 1_020 },
  KnockOnD: { system: 'ios', pauseMs: 200, datagramBytes: 1 },
  'KnockOnD, its own pause': { system: 'ios', pauseMs: 5, datagramBytes: 1 },
} as const satisfies Readonly<Record<string, App>>

/** Returns what an app sends for knocks, from one address to another. */
export function sentBy(
  { system, pauseMs, datagramBytes, repeatMs }: App,
  knocks: readonly Knock[],
  ends: Pick<Segment, 'from' | 'to'>,
): readonly Sent[] {
  return knocks.flatMap(({ protocol, port, size }, index): readonly Sent[] => {
    const afterMs = index === 0 ? 0 : pauseMs
    const common = { ...ends, sourcePort: 40_001 + index, identification: 7_000 + index }
    if (protocol === UDP) {
      const payload = Array<number>(size ?? datagramBytes).fill(0)
      return [{ packet: { ...common, protocol, port, payload }, afterMs }]
    }
    if (protocol === ICMP) {
      // The kernel chooses the identifier; the app counts from one in its own byte order.
      return [{ packet: { ...common, protocol, sequence: 0x0100, payload: Array<number>(size).fill(0) }, afterMs }]
    }
    const syn: Segment = {
      ...common,
      protocol: TCP,
      port,
      sequence: 0x1234_5600 + index,
      tcpOptions: SYN_OPTIONS[system],
    }
    const once = { packet: syn, afterMs }
    return repeatMs === undefined ? [once] : [once, { packet: syn, afterMs: repeatMs }]
  })
}

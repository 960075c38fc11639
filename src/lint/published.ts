import type { Knock } from '../config/config.ts'
import { ICMP } from '../packet/packet.ts'

/**
 * Sequences from manuals, shipped configs and guides, which scanners for knockd try first. Only ports are compared, and
 * the sizes of pings: another protocol does not make a sequence new. The reverse order counts too.
 */
const SEQUENCES: readonly (readonly number[])[] = [
  // knockd(1), and the config that distributions ship
  [7000, 8000, 9000],
  [2222, 3333, 4444],
  [12345, 54321, 24680, 13579],
  // Postern's own examples/knockd.conf, README and manuals
  [21741, 9386, 40127, 17953],
  [21741, 9386, 40127],
  [24817, 8093, 41552],
  [7431, 8020, 9123],
  [5127, 8841, 2309],
  [731, 1204, 289, 946, 518, 1377, 402],
  [24817, 419, 41552],
  // guides and write-ups, each seen in several places
  [100, 200, 300, 400],
  [500, 1001, 456],
  [571, 290, 911],
  [700, 800, 900],
  [1111, 2222, 3333],
  [1111, 2222, 3333, 4444],
  [1234, 5678, 9012],
  [3000, 4000, 5000],
  [3333, 4444, 5555],
  [4444, 3333, 5555],
  [4040, 5050, 8080],
  [5040, 6010, 6500],
  [7001, 8001, 9001],
  [7005, 7006, 7007],
  [8881, 7777, 9991],
  [10001, 10002, 10003],
  [11111, 22222],
  [11111, 22222, 33333],
  [40809, 50212, 46969],
  [60030, 60035, 60040],
  // Wikipedia and the first articles on port knocking
  [1026, 1027, 1029, 1034, 1026, 1044, 1035],
]

const KNOWN: ReadonlySet<string> = new Set(SEQUENCES.flatMap((ports) => [ports.join(), ports.toReversed().join()]))

/** The first ports of the sequences. Nearly all other sequences differ in the first port. */
const FIRSTS: ReadonlySet<number | undefined> = new Set(SEQUENCES.flatMap((ports) => [ports[0], ports.at(-1)]))

/** Returns true if these ports, in this order or reversed, are a published sequence. */
export function isPublished(knocks: readonly Knock[]): boolean {
  return knocks.length > 0 && FIRSTS.has(numberOf(knocks[0]!)) && KNOWN.has(knocks.map(numberOf).join())
}

function numberOf(knock: Knock): number {
  return knock.protocol === ICMP ? knock.size : knock.port
}

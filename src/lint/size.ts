import { UNSCANNED_MIN_KNOCKS } from '../config/scannable.ts'
import { STRAYS_PER_KNOCK } from '../config/config.ts'
import type { Knock } from '../config/config.ts'
import { UNFRAGMENTED_MAX_BYTES, USUAL_MTU_BYTES, ownPingOf } from '../config/ping-sizes.ts'
import { PORT_MAX } from '../config/sequence.ts'
import { ICMP } from '../packet/packet.ts'
import type { Entry } from '../text/directive.ts'
import type { FaultList } from '../text/fault.ts'
import { knockColumn } from './placed-door.ts'

/** The sizes of pings that are not fragmented over IPv4. */
const PING_SIZES = UNFRAGMENTED_MAX_BYTES[4] + 1

/** Warns of sizes that fragment or that programs send by themselves. The messages name no size, as it is a secret. */
export function warnOfSizes(knocks: readonly Knock[], at: Entry, faults: FaultList): void {
  for (const [index, knock] of knocks.entries()) {
    const warn = (message: string, hint: string): void =>
      faults.warning(at.line, knockColumn(at, index), `knock ${index + 1}: ${message}`, hint)
    const sender = ownPingOf(knock)
    if (sender !== undefined) {
      warn(
        `ping sends this size by itself (${sender}), so anybody's ping is this knock`,
        'choose a size at random: `shuf -i 100-1400 -n 1`',
      )
    }
    const { protocol, size = 0 } = knock
    if (size <= UNFRAGMENTED_MAX_BYTES[6]) continue
    const family = size > UNFRAGMENTED_MAX_BYTES[4] ? '' : ' over IPv6'
    const lost = protocol === ICMP ? 'and is no knock then' : 'and many networks drop fragments'
    const message = `a packet of this size is fragmented${family} with the usual MTU of ${USUAL_MTU_BYTES} bytes, ${lost}`
    warn(message, `choose a size up to ${UNFRAGMENTED_MAX_BYTES[6]}, or less for tunnels`)
  }
  warnOfGuess(knocks, at, faults)
}

/** Warns of a sequence with pings that is easier to guess than one of the fewest ports that no scan opens. */
function warnOfGuess(knocks: readonly Knock[], at: Entry, faults: FaultList): void {
  if (!knocks.some(({ protocol }) => protocol === ICMP)) return
  const ports = Array<number>(UNSCANNED_MIN_KNOCKS).fill(PORT_MAX)
  const kinds = knocks.map(({ protocol, size }) => {
    if (protocol === ICMP) return PING_SIZES
    return size === undefined ? PORT_MAX : PORT_MAX * PING_SIZES
  })
  if (packetsToGuess(kinds) >= packetsToGuess(ports)) return
  let enough = 1
  while (packetsToGuess(Array<number>(enough).fill(PING_SIZES)) < packetsToGuess(ports)) enough++
  const possible = kinds
    .reduce((product, one) => product * one)
    .toLocaleString('en-US', { maximumSignificantDigits: 3 })
  const packets = packetsToGuess(kinds).toLocaleString('en-US', { maximumSignificantDigits: 1 })
  const message = `pings are easier to guess than ports: there are some ${possible} such sequences, and one address finds this one with about ${packets} packets`
  faults.warning(
    at.line,
    at.valueColumn,
    message,
    `add knocks: ${enough} pings alone are enough, or ${UNSCANNED_MIN_KNOCKS} ports beside them`,
  )
}

/**
 * Returns the packets with which one address finds a sequence, by sending every knock in random order again and again. Such
 * a pass opens the door if its knocks come in order, and at most as many strays are in between as an attempt may have.
 *
 * @param kinds the number of possible knocks at each place
 */
function packetsToGuess(kinds: readonly number[]): number {
  const strays = STRAYS_PER_KNOCK * Math.max(1, kinds.length - 2)
  return kinds.reduce((packets, possible, index) => packets * (index === 0 ? possible : (possible * index) / strays), 1)
}

import { UNSCANNED_MIN_KNOCKS } from '../config/scannable.ts'
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
  warnOfFew(knocks, at, faults)
}

/** Warns of a sequence of pings alone that is easier to guess than one of the fewest ports. */
function warnOfFew(knocks: readonly Knock[], at: Entry, faults: FaultList): void {
  const enough = Math.ceil(Math.log(PORT_MAX ** UNSCANNED_MIN_KNOCKS) / Math.log(PING_SIZES))
  if (knocks.length >= enough || !knocks.every(({ protocol }) => protocol === ICMP)) return
  const possible = (PING_SIZES ** knocks.length).toLocaleString('en-US')
  const message = `pings alone are easier to guess than ports: there are ${possible} sequences of ${knocks.length}, and a ping is never a port scan`
  faults.warning(at.line, at.valueColumn, message, `write ${enough} pings or more, or put a port between them`)
}

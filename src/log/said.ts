import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Withheld } from '../gate/effect.ts'
import type { Entry, Facts, Level } from './line.ts'

/** An entry of the log without its time. The default level is `notice`. */
export type Said = Omit<Entry, 'time' | 'level'> & { readonly level?: Level }

/** A source reached a stage of a door. */
export function stageReached(source: Address, door: string, stage: number): Said {
  return { event: 'stage', source: formatAddress(source), text: `${door}: Stage ${stage}`, facts: { door, stage } }
}

/** A source took too long. */
export function tookTooLong(source: Address, door: string, stage: number): Said {
  const text = `${door}: sequence timeout (stage ${stage})`
  return { event: 'sequence-timeout', source: formatAddress(source), text, facts: { door, stage } }
}

/**
 * A source scans ports.
 *
 * @param seconds how long doors that a scan could open ignore the source; 0 if there is no such door
 */
export function scans(source: Address, seconds: number): Said {
  const text = seconds > 0 ? `port scan, ignored for ${seconds} s by doors that a scan could open` : 'port scan'
  return { event: 'scan', level: 'info', source: formatAddress(source), text, facts: { ignoredSeconds: seconds } }
}

/**
 * A source sends wrong codes and is ignored for a while.
 *
 * @param behind true if the codes came after the correct sequence
 */
export function guesses(source: Address, behind: boolean, seconds: number): Said {
  const doors = behind ? 'doors with a Sequence before their codes' : 'doors with codes alone'
  const text = `wrong codes, ignored for ${seconds} s by ${doors}`
  const facts = { ignoredSeconds: seconds, behindSequence: behind }
  return { event: 'wrong-codes', level: 'info', source: formatAddress(source), text, facts }
}

/** A source made all knocks of a door. The door stays shut because of other packets before or between them. */
export function withheld(source: Address, { door, stage, why, strays }: Omit<Withheld, 'kind' | 'source'>): Said {
  const reason = why === 'codes' ? 'too many wrong codes' : `${strays} other ports touched between its knocks`
  const facts = { door, stage, reason: why, strays }
  return {
    event: 'withheld',
    level: 'info',
    source: formatAddress(source),
    text: `${door}: stays shut, ${reason}`,
    facts,
  }
}

/** The reason why a knock or packet opened nothing. */
export function cameToNothing(source: Address, door: string | undefined, reason: string, facts: Facts = {}): Said {
  const details = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${String(value)}`],
  )
  const text = `${door === undefined ? '' : `${door}: `}${reason}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
  return {
    event: 'explanation',
    level: 'debug',
    source: formatAddress(source),
    text,
    facts: { ...facts, door, reason },
  }
}

/**
 * A door opens.
 *
 * @param user the user that the key or secret proves, if the door has several
 * @param claimedUser the user that a packet names without proof
 */
export function opens(source: Address, door: string, user?: string, claimedUser?: string): Said {
  const who = [user, claimedUser === undefined ? undefined : `claims to be ${claimedUser}`]
  const named = who.filter((one) => one !== undefined).join(', ')
  const text = `${door}: OPEN SESAME${named === '' ? '' : ` (${named})`}`
  return { event: 'open', source: formatAddress(source), text, facts: { door, user, claimedUser }, urgent: true }
}

/**
 * The time of an opening is over.
 *
 * @param source an address in text
 */
export function commandTimeout(source: string, door: string): Said {
  return { event: 'command-timeout', source, text: `${door}: command timeout`, facts: { door } }
}

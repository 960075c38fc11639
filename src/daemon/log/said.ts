import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { Withheld } from '../../gate/effect.ts'
import type { Entry, Facts, Level } from './line.ts'

/** An entry of the log without its time; `notice` where no level is given. */
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

/** A source scans. `seconds`: how long doors that a scan could open ignore it; 0: there is none. */
export function scans(source: Address, seconds: number): Said {
  const text = seconds > 0 ? `port scan, ignored for ${seconds} s by doors that a scan could open` : 'port scan'
  return { event: 'scan', level: 'info', source: formatAddress(source), text, facts: { ignoredSeconds: seconds } }
}

/** A source knocks at wrong codes, and is ignored for a while. `behind`: after the right sequence. */
export function guesses(source: Address, behind: boolean, seconds: number): Said {
  const doors = behind ? 'doors with a Sequence before their codes' : 'doors with codes alone'
  const text = `wrong codes, ignored for ${seconds} s by ${doors}`
  const facts = { ignoredSeconds: seconds, behindSequence: behind }
  return { event: 'wrong-codes', level: 'info', source: formatAddress(source), text, facts }
}

/** A source made all knocks of a door, which stays shut for what came between them or before. */
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

/** Why something came to nothing. */
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
 * A door opens. `user`: for whom, where it has several, as their key or secret proves; `claimedUser`: whom a packet claims to
 * be by, which nothing proves.
 */
export function opens(source: Address, door: string, user?: string, claimedUser?: string): Said {
  const who = [user, claimedUser === undefined ? undefined : `claims to be ${claimedUser}`]
  const named = who.filter((one) => one !== undefined).join(', ')
  const text = `${door}: OPEN SESAME${named === '' ? '' : ` (${named})`}`
  return { event: 'open', source: formatAddress(source), text, facts: { door, user, claimedUser }, urgent: true }
}

/** The time of an opening is over. `source`: an address in text. */
export function commandTimeout(source: string, door: string): Said {
  return { event: 'command-timeout', source, text: `${door}: command timeout`, facts: { door } }
}

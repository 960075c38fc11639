import * as bound from './config.ts'
import type { CodeTerms, ListTerms, PublishTerms, SecretConfig } from './config.ts'
import { DOOR_DIRECTIVES } from './directive.ts'
import type { DoorEntries, DoorValues } from './directive.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import type { Entry } from '../text/directive.ts'

/** Returns the secret of a door's lines. The secret is usable only if {@link checkSecret} found no error. */
export function secretOf(values: DoorValues): SecretConfig {
  const { oneTime, totp, users, spa, sequence: knocks = [] } = values
  const lowWater = values.lowWater ?? bound.LOW_WATER_DEFAULT
  if (oneTime === 'generate') return { kind: 'generated', lowWater, list: listTerms(values) }
  if (oneTime !== undefined) return { kind: 'one-time', path: oneTime.path, lowWater }
  const code: CodeTerms = { before: knocks, skew: values.skew ?? bound.TOTP_SKEW_DEFAULT }
  if (totp !== undefined) return { kind: 'totp', path: totp, code }
  if (users !== undefined) return { kind: 'users', path: users, code }
  if (spa !== undefined) return spaOf(spa, values)
  return { kind: 'sequence', knocks }
}

function spaOf(spa: NonNullable<DoorValues['spa']>, values: DoorValues): SecretConfig {
  const { spaUsers, accessFile, fwknopKeys, profiles, spaMaxAge = bound.SPA_MAX_AGE_DEFAULT_MS } = values
  const maxAgeMs = spaMaxAge === 0 ? undefined : spaMaxAge
  if (spa === 'postern') return { kind: 'spa', protocol: spa, path: spaUsers ?? '', maxAgeMs }
  if (spa === 'knockknock') return { kind: 'spa', protocol: spa, path: profiles ?? '', maxAgeMs: undefined }
  if (fwknopKeys !== undefined) return { kind: 'spa', protocol: 'fwknop-keys', path: fwknopKeys, maxAgeMs }
  return { kind: 'spa', protocol: spa, path: accessFile ?? '', maxAgeMs }
}

function listTerms(values: DoorValues): ListTerms {
  return {
    count: values.listCount ?? bound.SEQUENCE_COUNT_DEFAULT,
    length: values.listLength ?? bound.SEQUENCE_LENGTH_DEFAULT,
    ports: values.listPorts ?? bound.SEQUENCE_PORTS_DEFAULT,
    publish: publishTerms(values),
  }
}

function publishTerms(values: DoorValues): PublishTerms | undefined {
  const { publishTo: folder, publishFor, publishPassphrase, publishHost, publishOverlap } = values
  if (folder === undefined) return undefined
  return {
    folder,
    recipients: publishFor ?? [],
    passphraseFile: publishPassphrase,
    host: publishHost,
    overlapMs: publishOverlap ?? bound.PUBLISH_OVERLAP_DEFAULT_MS,
  }
}

/** The directives that set a door's secret, by their names in the code. */
const KINDS = ['sequence', 'oneTime', 'totp', 'users', 'spa'] as const

/** Reports faults in the lines that {@link secretOf} reads. `missing`: also reports a door without a secret. */
export function checkSecret(
  { name, line, column }: { readonly name: string; readonly line: number; readonly column: number },
  values: DoorValues,
  entries: DoorEntries,
  missing: boolean,
  faults: FaultList,
): void {
  const there = KINDS.filter((kind) => entries[kind] !== undefined)
  if (there.length === 0) {
    const hint = 'add `Sequence`, `One_Time_Sequences`, `TOTP_Secret_File`, `Users` or `SPA`'
    if (missing) faults.error(line, column, `door ${quote(name)} has no sequence`, hint)
  } else {
    refuseBoth(name, entries, faults)
    warnOfLonely(values, entries, faults)
    checkPublishing(name, values, entries, faults)
    checkSpa(name, values, entries, faults)
  }
}

/** Refuses two secrets in one door. Only a fixed sequence in front of a code is allowed. */
function refuseBoth(name: string, entries: DoorEntries, faults: FaultList): void {
  const alone = KINDS.filter((kind) => kind !== 'sequence' && entries[kind] !== undefined)
  const noSequence = entries.oneTime !== undefined || entries.spa !== undefined
  const excluding = noSequence && entries.sequence !== undefined ? ['sequence' as const] : []
  const [one, other] = [...excluding, ...alone]
  if (one === undefined || other === undefined) return
  const [first, second] = [entries[one]!, entries[other]!]
  const later = first.line > second.line ? first : second
  const message = `door ${quote(name)} has both ${DOOR_DIRECTIVES[one].name} and ${DOOR_DIRECTIVES[other].name}`
  faults.error(later.line, later.keyColumn, message, 'take one of them out')
}

/** Warns of lines that have no effect. `where` follows these words, as in `without SPA`. */
export function warnOfIdle(
  lines: readonly (Entry | undefined)[],
  where: string,
  hint: string,
  faults: FaultList,
): void {
  for (const entry of lines) {
    if (entry === undefined) continue
    faults.warning(entry.line, entry.keyColumn, `${quote(entry.key)} has no effect ${where}`, hint)
  }
}

/** Warns of lines that have no effect without another line. */
function warnOfLonely({ oneTime }: DoorValues, entries: DoorEntries, faults: FaultList): void {
  const { lowWater, listCount, listLength, listPorts, publishTo } = entries
  const { publishFor, publishPassphrase, publishHost, publishOverlap, skew } = entries
  const generate = 'add `One_Time_Sequences = generate`, or take it out'
  if (oneTime !== 'generate' && (oneTime !== undefined || entries.oneTime === undefined)) {
    const made = [listCount, listLength, listPorts, publishTo]
    warnOfIdle(made, 'without a list that the daemon makes', generate, faults)
  }
  if (entries.oneTime === undefined) warnOfIdle([lowWater], 'without One_Time_Sequences', generate, faults)
  if (publishTo === undefined) {
    const hint = 'add `Publish_To = /path/to/folder`, or take it out'
    warnOfIdle([publishFor, publishPassphrase, publishHost, publishOverlap], 'without Publish_To', hint, faults)
  }
  if (entries.totp === undefined && entries.users === undefined) {
    const hint = 'add `TOTP_Secret_File = /path/to/file`, or take it out'
    warnOfIdle([skew], 'without TOTP_Secret_File or Users', hint, faults)
  }
}

/** The directives that each protocol needs, by their names in the code. */
const SPA_NEEDS = { postern: ['spaUsers'], fwknop: ['accessFile', 'fwknopKeys'], knockknock: ['profiles'] } as const

function checkSpa(name: string, { spa, spaMaxAge }: DoorValues, entries: DoorEntries, faults: FaultList): void {
  for (const [protocol, needs] of Object.entries(SPA_NEEDS)) {
    const others = protocol === spa ? [] : needs.map((each) => entries[each])
    warnOfIdle(others, 'here', `it goes with \`SPA = ${protocol}\``, faults)
  }
  if (spa !== 'fwknop') {
    const hint = 'only packets of fwknop have connections sent on: it goes with `SPA = fwknop`'
    warnOfIdle([entries.forwardTo], 'here', hint, faults)
  }
  const age = entries.spaMaxAge
  if (spa === undefined) warnOfIdle([age], 'without SPA', 'add `SPA = postern`, or take it out', faults)
  if (age !== undefined && spa === 'fwknop' && spaMaxAge === 0) {
    const hint = 'its packets have no counter: without a bound each would have to be remembered for ever'
    faults.error(age.line, age.valueColumn, "fwknop's packets need an age", hint)
  }
  if (spa === undefined || entries.spa === undefined) return
  const needs: readonly (typeof SPA_NEEDS)[typeof spa][number][] = SPA_NEEDS[spa]
  const there = needs.filter((each) => entries[each] !== undefined)
  const names = needs.map((each) => `\`${DOOR_DIRECTIVES[each].name} = ${DOOR_DIRECTIVES[each].form}\``)
  if (there.length === 0) {
    const message = `door ${quote(name)} does not say who may send packets`
    faults.error(entries.spa.line, entries.spa.keyColumn, message, `add ${names.join(' or ')}`)
  } else if (there.length > 1) {
    const later = entries[there[1]!]!
    const message = `door ${quote(name)} has both ${there.map((each) => DOOR_DIRECTIVES[each].name).join(' and ')}`
    faults.error(later.line, later.keyColumn, message, 'take one of them out')
  }
}

function checkPublishing(name: string, values: DoorValues, entries: DoorEntries, faults: FaultList): void {
  const { publishTo, publishFor, publishPassphrase } = entries
  if (publishTo !== undefined && publishFor === undefined && publishPassphrase === undefined) {
    const message = `door ${quote(name)} publishes its list to nobody`
    faults.error(publishTo.line, publishTo.keyColumn, message, 'add `Publish_For = age1...`: who may read it')
  }
  const age = values.publishFor?.find((recipient) => !recipient.startsWith('/'))
  if (publishPassphrase !== undefined && publishFor !== undefined && age !== undefined) {
    const later = publishPassphrase.line > publishFor.line ? publishPassphrase : publishFor
    const message = 'a list is encrypted to age recipients or to a passphrase, not to both'
    faults.error(later.line, later.keyColumn, message, 'take one of them out')
  }
  const { listCount, lowWater } = entries
  if (values.oneTime !== 'generate' || (listCount === undefined && lowWater === undefined)) return
  const at = lowWater ?? listCount!
  if ((values.lowWater ?? bound.LOW_WATER_DEFAULT) < (values.listCount ?? bound.SEQUENCE_COUNT_DEFAULT)) return
  const message = 'Low_Water is not below Sequence_Count: the list would be filled up after each use'
  faults.warning(at.line, at.keyColumn, message, 'set it lower')
}

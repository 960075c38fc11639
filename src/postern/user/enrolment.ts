import { SPA_MAX_AGE_DEFAULT_MS } from '../../config/config.ts'
import type { Door, Knock } from '../../config/config.ts'
import { formatDuration } from '../../config/duration.ts'
import { codeOf, packetOf } from '../../config/secret.ts'
import { formatKnock, formatSequence } from '../../config/sequence.ts'
import type { TotpSecret } from '../../totp/code.ts'
import { secretUri, shortUri } from '../../totp/secret-text.ts'
import type { Card } from '../card/card.ts'
import { pageLink } from './page-link.ts'
import type { UserKind } from './users-format.ts'

/** A user's secret at the doors of one file. */
export type Enrolment = { readonly doors: readonly Door[] } & (
  | { readonly kind: 'totp'; readonly secret: TotpSecret }
  | { readonly kind: 'sequence'; readonly knocks: readonly Knock[] }
  | { readonly kind: 'spa'; readonly keys: UserKeys; readonly options: readonly string[] }
)

/** The keys for single packets. */
export interface UserKeys {
  /** As text, with its checksum. */
  readonly publicKey: string
  /** `undefined`: only the client has it. */
  readonly secretKey: string | undefined
  readonly serverKey: string
}

/** The person and host that an enrolment is for. */
export interface For {
  readonly name: string
  /** The name of this machine for apps and clients. */
  readonly host: string
}

/** Returns what the line in the file has beside the name. */
export function valueOf(enrolment: Enrolment, to: For): string {
  if (enrolment.kind === 'totp') return uriOf(enrolment, to)
  if (enrolment.kind === 'sequence') return formatSequence(enrolment.knocks)
  return [...optionsOf(enrolment), enrolment.keys.publicKey].join(' ')
}

/** Returns the options of a key. It opens the doors that were named, also if others read the same file. */
function optionsOf({ doors, options }: Enrolment & { kind: 'spa' }): readonly string[] {
  if (options.some((option) => /^(?:doors|ports)=/.test(option))) return options
  const names = doors.map(({ name }) => (/[\s,]/.test(name) ? `"${name}"` : name))
  return [`doors=${names.join(',')}`, ...options]
}

/** Returns what is for the user alone, as a document for programs. */
export function documentOf(enrolment: Enrolment, to: For, page: string | undefined): Readonly<Record<string, unknown>> {
  const { kind, doors } = enrolment
  const names = doors.map(({ name }) => name)
  if (kind === 'spa') return { kind, doors: names, ...enrolment.keys }
  const links = page === undefined ? {} : { links: doors.map((door) => pageLink(enrolment, door, to, page)) }
  if (kind === 'totp') return { kind, doors: names, uri: uriOf(enrolment, to), ...links }
  return { kind, doors: names, sequence: formatSequence(enrolment.knocks), ...links }
}

/** Returns what is for the user alone, a card for each program. @param page the address of the served page, if any */
export function cardsOf(enrolment: Enrolment, to: For, page: string | undefined): readonly Card[] {
  const { kind, doors } = enrolment
  const links = page === undefined ? [] : doors.flatMap((door) => linkCard(enrolment, door, to, page) ?? [])
  if (kind === 'totp') return [appCard(enrolment, to), ...links]
  if (kind === 'spa') return enrolment.keys.secretKey === undefined ? [] : [keyCard(enrolment.keys.secretKey, to)]
  const knocks = doors.map((door): Card => {
    const lines = [knockLine(door, to, enrolment.knocks)]
    return { name: 'knock', heading: `to open ${door.name}`, lines }
  })
  return [...knocks, ...links]
}

/** Returns the card for an app. */
export function appCard(enrolment: Enrolment & { kind: 'totp' }, to: For): Card {
  const heading = 'for an authenticator app, or a file for knock --totp-file'
  const uri = uriOf(enrolment, to)
  return { name: 'app', heading, lines: [uri], code: shortUri(uri) }
}

function linkCard(enrolment: Enrolment, door: Door, to: For, page: string): Card | undefined {
  const link = pageLink(enrolment, door, to, page)
  if (link === undefined) return undefined
  const heading = `for the camera of ${to.name}'s phone: the page that opens ${door.name}, with the secret, which no server sees`
  return { name: 'page', heading, lines: [link], code: link }
}

function keyCard(secretKey: string, { name }: For): Card {
  const heading = `for ${name}'s ~/.config/postern/key, which nobody else may read (chmod 600); it is shown only now`
  return { name: 'key', heading, lines: [secretKey] }
}

/** Returns what is no secret: how to knock with the secret that was shown. */
export function usageOf(enrolment: Enrolment, to: For): string {
  if (enrolment.kind === 'spa') return configText(enrolment, to)
  if (enrolment.kind === 'sequence') return ''
  const { doors } = enrolment
  return doors
    .map((door) => `to open ${door.name}, with the code of the moment:\n\n    ${codeLine(door, to)}\n`)
    .join('\n')
}

function uriOf({ doors, secret }: Enrolment & { kind: 'totp' }, { name, host }: For): string {
  return secretUri(secret, host, `${name}@${doors.map((door) => door.name).join('+')}`)
}

/** Returns the command line of the client. The knocks of the door itself come first. */
function knockLine({ secret }: Door, { host }: For, knocks: readonly Knock[]): string {
  return ['knock', host, ...[...(codeOf(secret)?.before ?? []), ...knocks].map(formatKnock)].join(' ')
}

function codeLine(door: Door, to: For): string {
  return knockLine(door, to, []).replace('knock ', 'knock --code CODE ')
}

function configText({ doors, keys, options }: Enrolment & { kind: 'spa' }, { name, host }: For): string {
  const { serverKey } = keys
  const sections = doors.map(({ name: door, secret }) => {
    const { maxAgeMs } = packetOf(secret)!
    const age = maxAgeMs === SPA_MAX_AGE_DEFAULT_MS ? '' : `    SPA_Max_Age = ${ageText(maxAgeMs)}\n`
    return `    [${host}]\n    Server_Key = ${serverKey}\n    Door = ${door}\n${age}`
  })
  const which = doors.length > 1 ? ' (a section for each door; give each a host name of its own)' : ''
  return `for ${name}'s ~/.config/postern/config${which}:

${sections.join('\n')}
to open ${doors.map((door) => door.name).join(', ')}: knock --spa ${host}
${options.includes('packet-source') ? '' : NAT_HINT}`
}

function ageText(maxAgeMs: number | undefined): string {
  return maxAgeMs === undefined ? '0' : formatDuration(maxAgeMs)
}

/** The hint for a line that only takes packets with an address: clients behind NAT do not know theirs. */
const NAT_HINT = '  a client behind NAT is refused unless the line has packet-source: --option packet-source\n'

/** The kinds by the words that people know them by. */
export const KIND_WORDS: Readonly<Record<UserKind | 'fwknop', string>> = {
  totp: 'codes',
  sequence: 'a sequence',
  spa: 'single packets',
  fwknop: 'packets of fwknop',
}

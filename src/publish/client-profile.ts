import { DOOR_NAME_MAX_CHARS } from '../config/config.ts'
import type { Knock } from '../config/config.ts'
import { PORT_MAX, formatSequence, parseSequence } from '../config/sequence.ts'
import { USER_NAME_MAX_CHARS } from '../config/users.ts'
import type { Read } from '../text/read.ts'
import { toBase32 } from '../totp/base32.ts'
import type { TotpSecret } from '../totp/secret.ts'
import { readSecret } from '../totp/secret-text.ts'
import { readKnockHost } from './knock-host.ts'

/** The longest encoded profile, in characters. */
export const PROFILE_MAX_CHARS = 2_048
/** The longest key of a list, in characters: an age identity of the hybrid kind has some 100. */
export const LIST_KEY_MAX_CHARS = 512
/** The longest name of a list's file, in characters. */
export const LIST_FILE_MAX_CHARS = 128

/** The profile of a client: how to open one door of one host. */
export interface ClientProfile {
  /** A DNS name, or an address; IPv6 without brackets. */
  readonly host: string
  /** The TCP port that the door opens, from 1 to 65535; `undefined`: none, or not known. */
  readonly service: number | undefined
  readonly door: string
  readonly user: string | undefined
  readonly means: ClientMeans
}

/** The secret of a client. */
export type ClientMeans =
  /** Time-based codes. `before` has the knocks in front of each code, and may be empty. */
  | { readonly kind: 'codes'; readonly secret: TotpSecret; readonly before: readonly Knock[] }
  /** A fixed sequence, with the door's own knocks in front of a user's. */
  | { readonly kind: 'sequence'; readonly knocks: readonly Knock[] }
  /** A published list: its file beside the page, and the age identity or the passphrase that decrypts it. */
  | { readonly kind: 'list'; readonly file: string; readonly key: string }

/** The format. A change that older pages would misread gets another number. */
const FORMAT = '1'

/**
 * Encodes a profile. It is encrypted in a page, and is the fragment of a link: `https://HOST/PAGE.html#ENCODED`, which
 * no server sees. The text has only characters of a fragment (RFC 3986, 3.5), in the form of a query:
 *
 *     v=1&h=HOST[&p=PORT]&d=DOOR[&u=USER]&k=codes&s=BASE32&a=SHA1&n=8&t=30[&b=KNOCKS]
 *     v=1&h=HOST[&p=PORT]&d=DOOR[&u=USER]&k=sequence&q=KNOCKS
 *     v=1&h=HOST[&p=PORT]&d=DOOR[&u=USER]&k=list&f=FILE&i=KEY
 *
 * `b`: knocks before the code. KNOCKS has the form of the directive `Sequence`. The text is a secret.
 */
export function encodeProfile({ host, service, door, user, means }: ClientProfile): string {
  const fields: [name: string, value: string | undefined][] = [
    ['v', FORMAT],
    ['h', host],
    ['p', service?.toString()],
    ['d', door],
    ['u', user],
    ['k', means.kind],
  ]
  if (means.kind === 'codes') {
    const { key, algorithm, digits, periodS } = means.secret
    fields.push(['s', toBase32(key)], ['a', algorithm], ['n', String(digits)], ['t', String(periodS)])
    fields.push(['b', means.before.length === 0 ? undefined : formatSequence(means.before)])
  } else if (means.kind === 'sequence') fields.push(['q', formatSequence(means.knocks)])
  else fields.push(['f', means.file], ['i', means.key])
  return fields.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encoded(value)}`])).join('&')
}

/**
 * Decodes a profile. Only the very text that {@link encodeProfile} makes is one: no other order, field, or spelling. No
 * fault quotes the text.
 */
export function decodeProfile(text: string): Read<ClientProfile> {
  if (text.length > PROFILE_MAX_CHARS) return refused('is too long')
  const fields = new Map<string, string>()
  for (const field of text.split('&')) {
    const [, name, value] = /^([a-z])=(.+)$/s.exec(field) ?? []
    const plain = decoded(value ?? '')
    if (name === undefined || plain === undefined || fields.has(name)) return refused('is damaged')
    fields.set(name, plain)
  }
  if (fields.get('v') !== FORMAT) return refused('has another format')
  const host = readKnockHost(fields.get('h') ?? '')
  const service = fields.get('p')
  const door = fields.get('d') ?? ''
  const user = fields.get('u')
  if (host === undefined) return refused('names no host')
  if (service !== undefined && !isPort(service)) return refused('has an invalid port')
  if (!isText(door, DOOR_NAME_MAX_CHARS)) return refused('names no door')
  if (user !== undefined && !isText(user, USER_NAME_MAX_CHARS)) return refused('has an invalid name of a user')
  const means = meansIn(fields)
  if ('message' in means) return means
  const port = service === undefined ? undefined : Number(service)
  const value: ClientProfile = { host: host.name, service: port, door, user, means: means.value }
  return encodeProfile(value) === text ? { value } : refused('is damaged')
}

function meansIn(fields: ReadonlyMap<string, string>): Read<ClientMeans> {
  const kind = fields.get('k')
  if (kind === 'codes') {
    // The reader of files has all bounds of a secret.
    const [s, a, n, t] = ['s', 'a', 'n', 't'].map((name) => fields.get(name) ?? '')
    const secret = readSecret(`otpauth://totp/x?secret=${s}&algorithm=${a}&digits=${n}&period=${t}`)
    const before = fields.has('b') ? parseSequence(fields.get('b')!) : { value: [] }
    if ('message' in secret || 'message' in before) return refused('has an invalid secret')
    return { value: { kind, secret: secret.value, before: before.value } }
  }
  if (kind === 'sequence') {
    const knocks = parseSequence(fields.get('q') ?? '')
    return 'message' in knocks ? refused('has an invalid sequence') : { value: { kind, knocks: knocks.value } }
  }
  if (kind !== 'list') return refused('has an unknown kind of secret')
  const [file = '', key = ''] = [fields.get('f'), fields.get('i')]
  if (!isText(file, LIST_FILE_MAX_CHARS) || !isFileName(file)) return refused('names no list')
  return isText(key, LIST_KEY_MAX_CHARS) ? { value: { kind, file, key } } : refused('has no key for its list')
}

/** Returns true for the name of a file in the page's own folder. */
export function isFileName(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !/[/\\\0]/.test(text)
}

function refused(message: string): { readonly message: string; readonly hint: string } {
  return { message, hint: 'ask for a new link' }
}

function isPort(text: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= PORT_MAX
}

/** Returns true for a text of bounded length without control characters, and without such that reorder it. */
function isText(text: string, maxChars: number): boolean {
  return text !== '' && text.length <= maxChars && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(text)
}

/** Commas and colons, as in sequences, stay readable (RFC 3986, 3.5). */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/')
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

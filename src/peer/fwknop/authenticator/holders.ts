import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { parseForward, parseServices } from '../../../door/part.ts'
import type { Grant } from '../../../door/grant.ts'
import type { Held } from '../../../door/held.ts'
import type { Service } from '../../../config/config.ts'
import type { Forward } from '../../../firewall/guard/element.ts'
import { parseAddress, sameAddress } from '../../../packet/address.ts'
import type { Verdict } from '../../../secret/authenticator.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { encodeBase64 } from '../../../spa/base64.ts'
import type { Stanza } from '../stanza.ts'
import type { HolderMarks } from '../../../secret/holder-marks.ts'
import { piecesOf } from '../../../text/lines.ts'

/** Hexadecimal digits of a long key id (RFC 4880, 12.2). */
const KEY_ID_CHARS = 16

/**
 * Names the holder of the key that opened an fwknop packet, by its place and signer. Examples are `access.conf:3`,
 * `alice.conf:1` and `access.conf:3 signed by 0123456789ABCDEF`. The log, the journal and commands get the same name.
 *
 * @param signer the fingerprint of the signing key, or `undefined` if no signature is required
 */
export function holderOf({ secret }: PacketDoor, { file, line }: Stanza, signer: string | undefined): string {
  const stanza = `${basename(file ?? secret.path)}:${line}`
  return signer === undefined ? stanza : `${stanza} signed by ${signer.slice(-KEY_ID_CHARS)}`
}

/**
 * Returns the mark of a stanza's holder, made from its keys. With GnuPG, it is made from the stanza's entry for the
 * signing key.
 */
export function markOfStanza(marks: HolderMarks, stanza: Stanza, signer?: string): string {
  return marks.mark('fwknop', ...keyParts(stanza, signer))
}

/** Returns the holder of a packet's opening, for its grant. */
export function holdingOf(
  marks: HolderMarks,
  door: PacketDoor,
  stanza: Stanza,
  signer: string | undefined,
): Required<Pick<Grant, 'user' | 'print' | 'holder'>> {
  const [user, print] = [holderOf(door, stanza, signer), printOfStanza(stanza, signer)]
  return { user, print, holder: markOfStanza(marks, stanza, signer) }
}

/** Returns the same text for the same keys on every host; see `Grant.print`. */
export function printOfStanza(stanza: Stanza, signer?: string): string {
  const hash = createHash('sha256')
  // Each part has its length in front, so that no two lists of parts give the same text.
  for (const part of keyParts(stanza, signer)) hash.update(`${Buffer.byteLength(part)}\n`).update(part)
  return hash.digest('base64url')
}

function keyParts({ rijndael, hmac, gnupg }: Stanza, signer?: string): readonly (string | Uint8Array)[] {
  const outer = hmac?.key ?? ''
  const { ids = [], fingerprints = [] } = gnupg?.signers ?? {}
  const named = signer === undefined ? undefined : [...fingerprints, ...ids].find((each) => signer.endsWith(each))
  if (named !== undefined) return ['signer', named]
  if (rijndael !== undefined) return ['key', rijndael.key, outer]
  return ['gnupg', gnupg?.homeDir ?? '', gnupg?.decryptId ?? '', outer]
}

/** Returns true if a stanza still permits an opening. */
export function stanzaPermits(
  stanza: Stanza,
  { services, forward }: Pick<Held, 'services' | 'forward'>,
  now: number,
): boolean {
  const { openPorts, restrictPorts, expiresMs } = stanza
  if (expiresMs !== undefined && now >= expiresMs) return false
  const ports = services === undefined ? [] : parseServices(services)
  const isAllowed = ({ protocol, first, last }: Pick<Service, 'protocol' | 'first' | 'last'>): boolean => {
    const isIn = (list: Stanza['restrictPorts']): boolean =>
      list.some((one) => one.protocol === protocol && first <= one.port && one.port <= last)
    return (openPorts === undefined || isIn(openPorts)) && !isIn(restrictPorts)
  }
  if (!ports.every(isAllowed)) return false
  const to = parseForward(forward)
  if (to === undefined) return true
  if (stanza.forceNat !== undefined && stanza.cycle === undefined) return isForced(stanza.forceNat, to)
  // The stanza's rules on ports also apply to the port that connections are forwarded to.
  return ports.every(({ protocol }) => isAllowed({ protocol, first: to.port, last: to.port }))
}

/**
 * Returns true if the connections are forwarded to the destination of FORCE_NAT. It does not matter by which name that
 * calls this host.
 */
function isForced({ host, port }: NonNullable<Stanza['forceNat']>, to: Forward): boolean {
  if (to.port !== port) return false
  const address = parseAddress(host)
  return to.address === undefined || (address !== undefined && sameAddress(address, to.address))
}

/** Judges by the stanzas of a file whether a holder may keep an opening. */
export function verdictOf(list: readonly Stanza[], held: Held, marks: HolderMarks, now: number): Verdict {
  const { holder } = held
  if (holder === undefined) return 'unknown'
  const may = list.some((stanza) => marksOfStanza(marks, stanza).includes(holder) && stanzaPermits(stanza, held, now))
  return may ? 'may' : 'may not'
}

/** Returns the marks of all possible holders of a stanza. */
export function marksOfStanza(marks: HolderMarks, stanza: Stanza): readonly string[] {
  const { signers } = stanza.gnupg ?? {}
  const signed = signers === undefined ? [] : [...signers.fingerprints, ...signers.ids]
  return [markOfStanza(marks, stanza, undefined), ...signed.map((each) => markOfStanza(marks, stanza, each))]
}

/**
 * Returns the stanzas whose keys are still in a file that has errors. Only removed keys lose access. Among several
 * signers of a stanza, those still named stay.
 *
 * @param isUnread tells whether the file with a stanza's keys could not be read
 */
export function stanzasLeft(
  before: readonly Stanza[],
  text: string,
  isUnread: (stanza: Stanza) => boolean = () => false,
): readonly Stanza[] {
  const pieces = piecesOf(text)
  const holds = (word: string): boolean => word !== '' && pieces.some((piece) => piece.includes(word))
  // The file may write them with blanks and in lower case.
  const digits = pieces.map((piece) => piece.replaceAll(/\s/g, '').toUpperCase())
  const names = (id: string): boolean => digits.some((piece) => piece.includes(id))
  return before.flatMap((stanza) => {
    if (isUnread(stanza)) return [stanza]
    const { rijndael, gnupg } = stanza
    if (rijndael !== undefined) {
      const isHeld = holds(encodeBase64(rijndael.key)) || holds(Buffer.from(rijndael.key).toString('utf8'))
      return isHeld ? [stanza] : []
    }
    if (gnupg?.signers === undefined) return holds(gnupg?.homeDir ?? '') ? [stanza] : []
    const ids = gnupg.signers.ids.filter(names)
    const fingerprints = gnupg.signers.fingerprints.filter(names)
    // Key ids count only in a stanza without fingerprints. They must not begin to count when the fingerprints are
    // removed.
    const counting = gnupg.signers.fingerprints.length > 0 ? fingerprints : ids
    return counting.length === 0 ? [] : [{ ...stanza, gnupg: { ...gnupg, signers: { ids, fingerprints } } }]
  })
}

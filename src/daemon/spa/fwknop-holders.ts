import { parseServices } from '../../door/part.ts'
import type { Held } from '../../door/held.ts'
import { encodeBase64 } from '../../spa/base64.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import type { HolderMarks } from '../../state/holder-marks.ts'
import { piecesOf } from '../../text/lines.ts'

/**
 * The mark of who opened under a stanza: by its keys, or, where GnuPG is asked, by what the stanza names of the key that
 * signed.
 */
export function markOfStanza(marks: HolderMarks, { rijndael, hmac, gnupg }: Stanza, signer?: string): string {
  const outer = hmac?.key ?? ''
  const { ids = [], fingerprints = [] } = gnupg?.signers ?? {}
  const named = signer === undefined ? undefined : [...fingerprints, ...ids].find((each) => signer.endsWith(each))
  if (named !== undefined) return marks.mark('fwknop', 'signer', named)
  if (rijndael !== undefined) return marks.mark('fwknop', 'key', rijndael.key, outer)
  return marks.mark('fwknop', 'gnupg', gnupg?.homeDir ?? '', gnupg?.decryptId ?? '', outer)
}

/** Whether a stanza still lets its holder have what they hold. */
export function stanzaPermits(stanza: Stanza, { services }: Held, now: number): boolean {
  const { openPorts, restrictPorts, expiresMs } = stanza
  if (expiresMs !== undefined && now >= expiresMs) return false
  const ports = services === undefined ? [] : parseServices(services)
  return ports.every(({ protocol, first, last }) => {
    const isIn = (list: Stanza['restrictPorts']): boolean =>
      list.some((one) => one.protocol === protocol && first <= one.port && one.port <= last)
    return (openPorts === undefined || isIn(openPorts)) && !isIn(restrictPorts)
  })
}

/** The marks under which a stanza's holders may have opened. */
export function marksOfStanza(marks: HolderMarks, stanza: Stanza): readonly string[] {
  const { signers } = stanza.gnupg ?? {}
  const signed = signers === undefined ? [] : [...signers.fingerprints, ...signers.ids]
  return [markOfStanza(marks, stanza, undefined), ...signed.map((each) => markOfStanza(marks, stanza, each))]
}

/** The stanzas whose keys a file still holds though it cannot be read: whose key was taken out is out, and nobody else. */
export function stanzasLeft(before: readonly Stanza[], text: string): readonly Stanza[] {
  const pieces = piecesOf(text)
  const holds = (word: string): boolean => word !== '' && pieces.some((piece) => piece.includes(word))
  return before.filter(({ rijndael, gnupg }) => {
    if (rijndael !== undefined) {
      return holds(encodeBase64(rijndael.key)) || holds(Buffer.from(rijndael.key).toString('utf8'))
    }
    const { ids = [], fingerprints = [] } = gnupg?.signers ?? {}
    const named = [...fingerprints, ...ids]
    return named.length === 0 ? holds(gnupg?.homeDir ?? '') : named.some(holds)
  })
}

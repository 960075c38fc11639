import { PUBLISHED_RETRY_DEFAULT } from '../arguments.ts'
import type { Request } from '../arguments.ts'
import type { KnockSource } from '../knock-source.ts'
import type { HostSettings } from '../spa/host-directives.ts'
import { expandHome } from '../places.ts'

/** The default number of rounds after the first for a code. The previous code may just have been used. */
export const CODE_RETRY_DEFAULT = 1

/** Returns the request for a host's settings. Its port has to be open afterwards. */
export function requestOf(host: string, port: number, settings: HostSettings, verbose: boolean): Request {
  const knockSource = knockSourceOf(settings)
  return {
    host: settings.host ?? host,
    knocks: settings.knocks ?? [],
    knockSource,
    family: settings.family,
    delayMs: settings.delayMs ?? 0,
    verbose,
    source: undefined,
    verify: port,
    retry: settings.retry ?? RETRY_DEFAULT[knockSource.kind],
  }
}

const RETRY_DEFAULT: Readonly<Record<KnockSource['kind'], number>> = {
  ports: 0,
  code: 0,
  totp: CODE_RETRY_DEFAULT,
  published: PUBLISHED_RETRY_DEFAULT,
}

function knockSourceOf({ totpFile, from, identities, passphraseFile }: HostSettings): KnockSource {
  if (totpFile !== undefined) return { kind: 'totp', file: expandHome(totpFile) }
  if (from === undefined) return { kind: 'ports' }
  return {
    kind: 'published',
    from: from instanceof URL ? from : expandHome(from),
    identities: (identities ?? []).map((file) => expandHome(file)),
    passphraseFile: passphraseFile === undefined ? undefined : expandHome(passphraseFile),
  }
}

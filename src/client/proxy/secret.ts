import { PUBLISHED_RETRY_DEFAULT } from '../arguments.ts'
import type { Request } from '../arguments.ts'
import type { Secret } from '../secret.ts'
import type { HostSettings } from '../spa/host-directives.ts'
import { expandHome } from '../spa/secret-file.ts'

/** The default number of rounds after the first for a code. The previous code may just have been used. */
export const CODE_RETRY_DEFAULT = 1

/** Returns the request for a host's settings. Its port has to be open afterwards. */
export function requestOf(host: string, port: number, settings: HostSettings, verbose: boolean): Request {
  const secret = secretOf(settings)
  return {
    host: settings.host ?? host,
    knocks: settings.knocks ?? [],
    secret,
    family: settings.family,
    delayMs: settings.delayMs ?? 0,
    verbose,
    source: undefined,
    verify: port,
    retry: settings.retry ?? RETRY_DEFAULT[secret.kind],
  }
}

const RETRY_DEFAULT: Readonly<Record<Secret['kind'], number>> = {
  ports: 0,
  code: 0,
  totp: CODE_RETRY_DEFAULT,
  published: PUBLISHED_RETRY_DEFAULT,
}

function secretOf({ totpFile, from, identities, passphraseFile }: HostSettings): Secret {
  if (totpFile !== undefined) return { kind: 'totp', file: expandHome(totpFile) }
  if (from === undefined) return { kind: 'ports' }
  return {
    kind: 'published',
    from: from instanceof URL ? from : expandHome(from),
    identities: (identities ?? []).map(expandHome),
    passphraseFile: passphraseFile === undefined ? undefined : expandHome(passphraseFile),
  }
}

import { knocksOfCode } from '../totp/ports.ts'
import type { Request } from './arguments.ts'
import type { Clock } from './code-rounds.ts'
import type { PublishedList } from './published/list.ts'
import type { Telling } from './published/rounds.ts'
import { always, type Rounds } from './rounds.ts'
import type { PublishedSecret } from './knock-source.ts'
import { spacingOf } from './spacing.ts'
import type { UsedCodes } from './used-codes.ts'

/** The dependencies of the secrets. */
export interface SecretOutside extends Clock, Telling {
  readonly codes: UsedCodes
}

/**
 * Returns the knocks of a request, round by round. Files are read now, and may throw a ClientError. A published list is
 * read before each round. The code for a secret is loaded only if it is needed.
 */
export async function roundsOf(
  { host, knocks, knockSource, delayMs }: Request,
  outside: SecretOutside,
): Promise<Rounds> {
  switch (knockSource.kind) {
    case 'ports':
      return always(knocks)
    case 'code':
      return always([...knocks, ...knocksOfCode(knockSource.code)])
    case 'totp': {
      const { codeRounds, readSecretFile } = await import('./code-rounds.ts')
      const totp = await readSecretFile(knockSource.file)
      // There is one pause for each knock before the code, and one within the code.
      const pauses = knocks.length + 1
      const takesMs = (round: number): number => pauses * spacingOf(round, delayMs, pauses + 1).pauseMs
      return codeRounds(totp, knocks, takesMs, outside, {
        last: () => outside.codes.last(totp, host),
        used: (period) => outside.codes.used(totp, host, period),
      })
    }
    case 'published':
      break
  }
  return published(knockSource, host, outside)
}

async function published(knockSource: PublishedSecret, host: string, outside: SecretOutside): Promise<Rounds> {
  // One after another: Node.js 20 can fail to link modules that load at the same time (nodejs/node#52187).
  const { fetchPublished, PUBLISHED_MAX_BYTES } = await import('./published/fetch.ts')
  const { decrypt } = await import('./published/decrypt.ts')
  const { readList } = await import('./published/list.ts')
  const { checkHost } = await import('./published/bound.ts')
  const { publishedRounds } = await import('./published/rounds.ts')
  const { readRegular } = await import('./private-file.ts')
  const { from } = knockSource
  const read = async (): Promise<Uint8Array> =>
    from instanceof URL ? fetchPublished(from) : readRegular(from, PUBLISHED_MAX_BYTES)
  const next = async (): Promise<PublishedList> => {
    const list = readList(await decrypt(await read(), knockSource))
    await checkHost(list, host)
    return list
  }
  return publishedRounds(next, outside)
}

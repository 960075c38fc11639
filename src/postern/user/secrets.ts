import { Failure } from '../../cli/fault.ts'
import type { Config, Knock } from '../../config/config.ts'
import { parseSequence } from '../../config/sequence.ts'
import { readServerKey } from '../../secret/noise/noise-authenticator.ts'
import { KEY_BYTES, keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { valueOf } from '../../text/read.ts'
import { codeSecret } from '../keygen/code-secret.ts'
import { listsOf } from '../sequences/lists.ts'
import type { AddArguments } from './arguments.ts'
import type { Enrolment, For, UserKeys } from './enrolment.ts'
import { openedFile } from './opened-file.ts'
import type { Surroundings } from './surroundings.ts'
import type { Target } from './targets.ts'
import { hostOf } from './page-link.ts'
import { isUnlikeAll, sequenceUnlike, sequencesIn } from './unlike.ts'
import { filesOf } from './users-file.ts'

/** Makes the secrets of a user. */
export class Secrets {
  readonly to: For
  readonly #config: Config
  readonly #asked: AddArguments
  readonly #here: Surroundings

  constructor(config: Config, asked: AddArguments, here: Surroundings) {
    this.#config = config
    this.#asked = asked
    this.#here = here
    const own = asked.page === undefined ? here.hostname() : hostOf(asked.page)
    this.to = { name: asked.name, host: asked.issuer ?? own }
  }

  /** Makes a secret for each file. All have the same key: a packet names its door. @throws Failure */
  make(targets: readonly Target[]): readonly Enrolment[] {
    const keys = targets.some(({ kind }) => kind === 'spa') ? this.#keys() : undefined
    const sequences = targets.some(({ kind }) => kind === 'sequence') ? this.#sequences() : []
    return targets.map(({ kind, doors }): Enrolment => {
      if (kind === 'totp') return { kind, doors, secret: codeSecret(this.#asked, this.#here.random) }
      if (kind === 'spa') return { kind, doors, keys: keys!, options: this.#asked.option }
      const { services } = sequencesIn(this.#config)
      const knocks = sequenceUnlike(sequences, new Set([...services, ...this.#here.listening()]))
      sequences.push(knocks)
      return { kind, doors, knocks }
    })
  }

  /** Refuses secrets that were made before other users came in. @throws Failure */
  check(enrolments: readonly Enrolment[]): void {
    const made = enrolments.filter((each) => each.kind === 'sequence')
    if (made.length === 0) return
    const others = this.#sequences()
    if (made.every(({ knocks }) => isUnlikeAll(knocks, others))) return
    throw new Failure('the files of users were changed meanwhile: nothing was changed', 'run this again')
  }

  #keys(): UserKeys {
    const serverKey = formatKey('postern-server', serverKeyIn(this.#config.options.spaKeyFile))
    const given = this.#asked['public-key']
    if (given !== undefined) return { publicKey: given, secretKey: undefined, serverKey }
    const secret = this.#here.random(KEY_BYTES)
    const publicKey = formatKey('postern-user', keyPairOf(secret).publicKey)
    return { publicKey, secretKey: formatKey('postern-user-secret', secret), serverKey }
  }

  /** Returns all sequences that open a door: of the doors, of their lists, and of all users. */
  #sequences(): (readonly Knock[])[] {
    const { sequences } = sequencesIn(this.#config)
    const ofUsers = filesOf(this.#config.doors).flatMap((file) => {
      const { users, disabled } = openedFile(file).content
      const written = [...users, ...disabled].filter(({ kind }) => kind === 'sequence')
      return written.map(({ identity }) => valueOf(parseSequence(identity)) ?? [])
    })
    const ofLists = listsOf(this.#config, this.#asked.interface.flat()).flatMap((list) => {
      try {
        return list.read().left.map(({ knocks }) => knocks)
      } catch {
        // The daemon makes a list that is missing, and opens nothing by one that cannot be read.
        return []
      }
    })
    return [...sequences, ...ofUsers, ...ofLists]
  }
}

function serverKeyIn(path: string): Uint8Array {
  try {
    return readServerKey(path).publicKey
  } catch (error) {
    throw new Failure(
      (error as Error).message.replace('\n', '\n  '),
      'postern keygen server makes the key of this server',
      error,
    )
  }
}

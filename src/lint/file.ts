import type { SecretConfig } from '../config/config.ts'
import { codeOf, generatedList, secretPath } from '../config/secret.ts'
import type { TextFault } from '../text/read.ts'
import type { PlacedDoor } from './placed-door.ts'
import type { Facts } from './facts.ts'
import { quote } from '../text/fault.ts'
import type { FaultList, FaultSink } from '../text/fault.ts'
import { parseOneTime } from '../config/one-time.ts'
import type { Entry } from '../text/directive.ts'
import { formatSequence } from '../config/sequence.ts'
import { codesIn, parseUsers } from '../config/users.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { readSecret } from '../totp/secret-text.ts'

/** Permission bits of others (`<sys/stat.h>`). */
const OTHERS_READ = 0o004
/** Fewest guesses that the codes of a door's users must take: some weeks for a single address. */
const GUESSES_MIN = 100_000
/** Shortest passphrase of a published list that causes no warning, in characters. */
const PASSPHRASE_MIN_CHARS = 16

/** Warns of files whose secrets others can read, and of files that are unusable. */
export class Files {
  readonly #file: string
  readonly #facts: Facts
  readonly #faults: FaultList
  /** The first door of each one-time file. */
  readonly #owners = new Map<string, { readonly name: string; readonly line: number }>()
  #hasSecret = false

  constructor(file: string, facts: Facts, faults: FaultList) {
    this.#file = file
    this.#facts = facts
    this.#faults = faults
  }

  add({ door: { name, line, secret }, entries }: PlacedDoor): void {
    const { sequence, totp, users, publishPassphrase, oneTime: entry } = entries
    this.#hasSecret ||= sequence !== undefined
    const path = secretPath(secret)
    const code = codeOf(secret)
    const passphrase = generatedList(secret)?.publish?.passphraseFile
    if (publishPassphrase !== undefined && passphrase !== undefined) {
      this.#read(passphrase, publishPassphrase, warnOfPassphrase)
    }
    if (path === undefined) return
    if (code !== undefined && totp !== undefined) this.#read(path, totp, warnOfCodes)
    else if (code !== undefined && users !== undefined) {
      this.#read(path, users, warnOfUsers)
      if (sequence === undefined) this.#warnOfGuesses(secret, path, users)
    }
    if (entry === undefined) return
    const owner = this.#owners.get(path)
    if (owner === undefined) {
      this.#owners.set(path, { name, line })
      this.#read(path, entry, warnOfOneTime)
    } else {
      const message = `door ${quote(owner.name)} (line ${owner.line}) uses sequences of the same file`
      this.#faults.warning(entry.line, entry.valueColumn, message, 'give each door a file of its own')
    }
  }

  /** Warns if so many users have codes that one of them can be guessed. */
  #warnOfGuesses(secret: SecretConfig, path: string, { line, valueColumn }: Entry): void {
    const codes = codesIn(secret, this.#facts.file(path).content ?? '')
    const { skew } = codeOf(secret)!
    const good = codes.reduce((sum, { digits }) => sum + (2 * skew + 1) / 10 ** digits, 0)
    if (good <= 1 / GUESSES_MIN) return
    const message = `of all codes, one in ${Math.round(1 / good)} opens this door at any moment`
    this.#faults.warning(line, valueColumn, message, 'add a `Sequence`: it comes in front of every code')
  }

  /** Warns of a file's mode, and of unusable content. */
  #read(path: string, { line, valueColumn }: Entry, warnOf: Warn): void {
    const { mode, content, failure, forbidden } = this.#facts.file(path)
    // Like knockd, this accepts one-time files that others can read, with a warning. Other files are refused elsewhere.
    if (warnOf === warnOfOneTime) warnOfMode(mode, path, this.#faults.of(path))
    if (content === undefined) {
      const hint = forbidden ? 'check it as root' : 'without this file the door cannot be opened'
      this.#faults.warning(line, valueColumn, `${quote(path)} ${failure ?? 'cannot be read'}`, hint)
      return
    }
    const useless = warnOf(path, content, this.#faults)
    if (useless !== undefined) {
      const message = `${quote(path)} ${useless.message}`
      this.#faults.warning(line, valueColumn, message, useless.hint ?? 'add some: the door cannot be opened')
    }
  }

  end(): void {
    if (this.#hasSecret) warnOfMode(this.#facts.mode, this.#file, this.#faults)
  }
}

/** Warns of a file of sequences that others can read. One that others can write is an error elsewhere. */
function warnOfMode(mode: number | undefined, path: string, faults: FaultSink): void {
  if (mode === undefined || (mode & OTHERS_READ) === 0) return
  const octal = (mode & 0o7777).toString(8).padStart(4, '0')
  const message = `everyone on this machine can read the sequences in this file (mode ${octal})`
  faults.warning(1, 1, message, REMEDIES.mode('600', path))
}

/** Warns of faults in a file, and returns the reason if the whole file is unusable. */
type Warn = (path: string, content: string, faults: FaultList) => TextFault | undefined

const warnOfOneTime: Warn = (path, content, faults) => {
  const reading = parseOneTime(content)
  for (const each of reading.faults) faults.add({ ...each, file: path })
  const seen = new Map<string, number>()
  for (const { line, marked, knocks } of reading.lines) {
    if (marked) continue
    const sequence = formatSequence(knocks)
    const before = seen.get(sequence)
    if (before === undefined) seen.set(sequence, line)
    else {
      const message = `the same sequence as in line ${before}`
      const hint = 'each is accepted once, even if it is listed twice'
      faults.of(path).warning(line, 1, message, hint)
    }
  }
  return seen.size === 0 ? { message: 'has no sequence left' } : undefined
}

const warnOfCodes: Warn = (_, content) => {
  const read = readSecret(content)
  return 'message' in read ? read : undefined
}

const warnOfUsers: Warn = (path, content, faults) => {
  const { users, faults: found } = parseUsers(content)
  for (const each of found) faults.add({ ...each, file: path })
  return users.length === 0
    ? { message: 'has no user in it', hint: 'a line each: a name, blanks, a secret' }
    : undefined
}

const warnOfPassphrase: Warn = (_, content) => {
  const [passphrase = ''] = content.split('\n')
  if (passphrase.trim().length >= PASSPHRASE_MIN_CHARS) return undefined
  const hint = `anyone who has the list can try passphrases without limit: at least ${PASSPHRASE_MIN_CHARS} characters, or recipients`
  return { message: 'has a passphrase that is too short', hint }
}

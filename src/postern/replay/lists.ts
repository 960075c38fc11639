import { join } from 'node:path'
import type { CodeTerms, Config, Door } from '../../config/config.ts'
import { listFolder, statePath } from '../../daemon/state-path.ts'
import type { Gate } from '../../gate/gate.ts'
import type { GateSequence } from '../../gate/sequence.ts'
import { Codes } from '../../secret/codes.ts'
import { gateSequenceOf, termsOf } from '../../secret/gate-sequence.ts'
import { listName } from '../../secret/generated-door.ts'
import { CODE_SECRET, USERS } from '../../secret/people.ts'
import type { PeopleFormat } from '../../secret/people.ts'
import { SharedCodes } from '../../secret/shared-codes.ts'
import { OneTimeList } from '../../state/one-time.ts'
import { usedMark } from '../../state/used-mark.ts'
import { ReplayLedger } from './ledger.ts'

interface KeptList {
  readonly door: Door
  readonly list: OneTimeList
  sequence: GateSequence | undefined
}

/**
 * Adds the sequences of a config's doors to a gate. Lists of one-time sequences are read and never changed. Time-based
 * codes are those of the capture's time.
 */
export class Lists {
  readonly #gate: Gate
  readonly #warn: (text: string) => void
  readonly #ledger = new ReplayLedger()
  readonly #lists = new Map<string, KeptList>()
  readonly #codes: Codes[] = []
  readonly #fixed: GateSequence[] = []
  #due = -Infinity

  constructor({ doors, options, file }: Config, gate: Gate, warn: (text: string) => void) {
    this.#gate = gate
    this.#warn = warn
    for (const door of doors) {
      const { secret } = door
      switch (secret.kind) {
        case 'sequence':
          this.#fix(gateSequenceOf(door, secret.knocks))
          break
        case 'one-time':
          this.#list(door, secret.path)
          break
        case 'generated':
          this.#list(door, join(listFolder(statePath(options.stateDir, file, [])), listName(door.name)))
          break
        case 'totp':
          this.#people(door, secret.path, secret.code, CODE_SECRET)
          break
        case 'users':
          this.#people(door, secret.path, secret.code, USERS)
          break
        case 'spa':
          warn(`${door.name}: opens to single packets, which are not replayed: they have expired`)
      }
    }
  }

  /** Yields every sequence that opens a door at the moment. */
  *sequences(): Generator<GateSequence> {
    yield* this.#fixed
    for (const { sequence } of this.#lists.values()) if (sequence !== undefined) yield sequence
    for (const codes of this.#codes) yield* codes.sequences
  }

  /** Takes the codes that are valid at `time`, milliseconds since 1970. Returns true if the codes may have changed. */
  update(time: number): boolean {
    if (time < this.#due || this.#codes.length === 0) return false
    this.#due = Infinity
    for (const codes of this.#codes) {
      codes.update(time)
      this.#due = Math.min(this.#due, codes.due(time))
    }
    return true
  }

  /** Marks a one-time sequence or code as used. */
  used(sequence: GateSequence): void {
    const { door, knocks } = sequence
    if (this.#lists.has(door)) {
      void this.#ledger.claim(door, usedMark(door, knocks))
      this.#next(door)
    } else void this.#codes.find((codes) => codes.has(sequence))?.redeem(sequence)
  }

  #fix(sequence: GateSequence): void {
    this.#fixed.push(sequence)
    this.#gate.add(sequence)
  }

  #list(door: Door, path: string): void {
    this.#lists.set(door.name, { door, list: new OneTimeList(door.name, path, this.#ledger), sequence: undefined })
    this.#next(door.name)
  }

  #people(door: Door, path: string, code: CodeTerms, { read }: PeopleFormat): void {
    const terms = termsOf(door)
    const shared = new SharedCodes(this.#gate, () => undefined)
    const store = { loss: undefined }
    try {
      for (const { name: user, secret } of read(door.name, path, []).people) {
        if (secret.kind === 'totp') {
          const { totp } = secret
          this.#codes.push(new Codes({ door, terms, code, totp, user, ledger: this.#ledger, store, shared }))
        } else this.#fix(gateSequenceOf(door, [...code.before, ...secret.knocks], { terms, user }))
      }
    } catch (error) {
      this.#warn(`${door.name}: opens to nobody: ${(error as Error).message}`)
    }
  }

  #next(name: string): void {
    const kept = this.#lists.get(name)!
    kept.sequence = undefined
    try {
      const { next } = kept.list.read()
      if (next === undefined) {
        this.#warn(`${name}: no sequence is left in its list`)
        return
      }
      kept.sequence = gateSequenceOf(kept.door, next, { once: true })
      this.#gate.add(kept.sequence)
    } catch (error) {
      this.#warn(`${name}: opens to nobody: ${(error as Error).message}`)
    }
  }
}

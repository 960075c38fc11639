import type { Door } from '../config/config.ts'
import type { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import type { Held } from '../door/held.ts'
import { formatSequence } from '../config/sequence.ts'
import type { LogEvent } from '../log/event.ts'
import type { HolderMarks } from '../state/holder-marks.ts'
import type { OneTimeLeft } from '../state/one-time.ts'
import type { Store } from '../state/store.ts'
import { newestUsedAt, parseUsed } from '../state/used-periods.ts'
import { USED_CODES_KEY } from './codes.ts'
import { GeneratedDoor } from './generated-door.ts'
import { OneTimeDoor } from './one-time-door.ts'
import { secretOf, signatureOf } from './secret.ts'
import { UsersDoor } from './users-door.ts'
import { MarksInForce } from './verdict.ts'
import type { HolderJudge, Verdict } from './verdict.ts'

/** Milliseconds for which a secret's used codes are kept after it has left all files, in case it returns. */
const USED_KEPT_MS = 7 * 86_400_000

/** The dependencies of the doors. */
export interface DoorsTerms {
  readonly gate: Gate
  readonly store: Store
  /** The folder of the lists that the daemon makes. */
  readonly listFolder: string
  readonly say: (level: 'notice' | 'warning' | 'error', text: string) => void
  readonly event: (event: LogEvent) => void
  /** Called when the gate's sequences have changed, so that the capture filter must change. */
  readonly changed: () => void
  /** Called when someone who holds a door may have lost access. */
  readonly holdersChanged: () => void
  readonly marks: HolderMarks
  /** Ports with a listening socket. */
  readonly busy: () => ReadonlySet<number>
}

/** The daemon's state of one door. */
interface Kept {
  door: Door
  readonly signature: string
  readonly fixed?: Secret
  readonly list?: OneTimeDoor
  readonly generated?: GeneratedDoor
  readonly users?: UsersDoor
}

/** The doors of the current config, and their sequences in the gate. */
export class Doors implements HolderJudge {
  readonly #of: DoorsTerms
  #kept = new Map<string, Kept>()
  /** The marks of a list's lines, for each state of the list. */
  readonly #lines = new WeakMap<OneTimeLeft, MarksInForce>()

  constructor(of: DoorsTerms) {
    this.#of = of
  }

  /** Yields every sequence that opens a door now. */
  *secrets(): Generator<Secret> {
    for (const { fixed, list, generated, users } of this.#kept.values()) {
      const secret = fixed ?? list?.secret
      if (secret !== undefined) yield secret
      if (generated !== undefined) yield* generated.secrets()
      if (users !== undefined) yield* users.secrets()
    }
  }

  /** Returns the door with this name in the current config. */
  find(name: string): Door | undefined {
    return this.#kept.get(name)?.door
  }

  /** Returns the number of sequences left in a door's list, or `undefined` if the door has no list. */
  left(name: string): number | undefined {
    const { list, generated } = this.#kept.get(name) ?? {}
    return (list ?? generated)?.left
  }

  /** Returns the number of a door's users, or `undefined` if the door has one secret for all. */
  users(name: string): number | undefined {
    return this.#kept.get(name)?.users?.users
  }

  /**
   * Replaces the list that the daemon keeps for a door.
   * @returns the number of its sequences, or `undefined` if the daemon keeps no list for the door
   */
  async rotate(name: string): Promise<number | undefined> {
    return await this.#kept.get(name)?.generated?.rotate()
  }

  /**
   * Redeems the secret of a knock. A one-time secret is first marked as used.
   *
   * @returns the mark of the new holder, or `undefined` if the door stays shut
   */
  async redeem(secret: Secret): Promise<string | undefined> {
    const { fixed, list, generated, users } = this.#kept.get(secret.door) ?? {}
    if (fixed !== undefined) return fixed === secret ? this.#markOf(fixed) : undefined
    if (list === undefined) return await (users?.redeem(secret) ?? generated?.strike(secret))
    const strike = await list.strike(secret)
    return strike === undefined ? undefined : this.#of.marks.mark('one-time', strike.rest)
  }

  /** Judges a holder by the door's secret, except for doors opened by single packets. */
  mayHold(held: Held): Verdict {
    const { fixed, list, generated, users } = this.#kept.get(held.door) ?? {}
    const { holder } = held
    if (fixed !== undefined && holder !== undefined) return holder === this.#markOf(fixed) ? 'may' : 'may not'
    if (list !== undefined && holder !== undefined) return this.#judgeList(list, holder)
    return (users ?? generated)?.mayHold(held) ?? 'unknown'
  }

  /** Lets a holder keep the door if its line is still in the list. The line may be marked as used since. */
  #judgeList({ known }: OneTimeDoor, holder: string): Verdict {
    if (known === undefined) return 'unknown'
    const { marks } = this.#of
    let inForce = this.#lines.get(known)
    inForce ??= new MarksInForce(() => [...known.rests].map((rest) => marks.mark('one-time', rest)))
    this.#lines.set(known, inForce)
    return inForce.judge(holder)
  }

  #markOf({ knocks }: Secret): string {
    return this.#of.marks.mark('sequence', formatSequence(knocks))
  }

  /** Applies a new set of doors. Sequences that did not change keep their attempts. */
  replace(doors: readonly Door[]): void {
    const before = this.#kept
    const after = new Map<string, Kept>()
    for (const door of doors) {
      const signature = signatureOf(door)
      const kept = before.get(door.name)
      if (kept?.signature !== signature) continue
      kept.door = door
      kept.users?.refresh()
      after.set(door.name, kept)
    }
    const closing = new Map<string, Promise<void>>()
    for (const [name, { fixed, list, generated, users }] of before) {
      if (after.has(name)) continue
      if (fixed !== undefined) this.#of.gate.remove(fixed)
      list?.close()
      users?.close()
      if (generated !== undefined) closing.set(name, generated.close())
    }
    // The order of the config decides the order of log lines for sequences with the same beginning.
    this.#kept = new Map()
    for (const door of doors) {
      this.#kept.set(door.name, after.get(door.name) ?? this.#add(door, closing.get(door.name), before.get(door.name)))
    }
    this.#forgetCodes()
  }

  async close(): Promise<void> {
    const closing = [...this.#kept.values()].map(async ({ list, generated, users }) => {
      list?.close()
      users?.close()
      await generated?.close()
    })
    await Promise.all(closing)
  }

  #add(door: Door, after: Promise<void> | undefined, before: Kept | undefined): Kept {
    const { gate, store, say, event, changed, holdersChanged, marks, busy, listFolder: folder } = this.#of
    const common = { door, gate, store, say, event, changed, holdersChanged }
    const { secret } = door
    const kept = { door, signature: signatureOf(door) }
    switch (secret.kind) {
      case 'sequence': {
        const fixed = secretOf(door, secret.knocks)
        gate.add(fixed)
        return { ...kept, fixed }
      }
      case 'one-time': {
        const list = new OneTimeDoor({ ...common, path: secret.path, lowWater: secret.lowWater })
        list.refresh()
        return { ...kept, list }
      }
      case 'generated': {
        const { lowWater, list } = secret
        const generated = new GeneratedDoor({ ...common, lowWater, list, folder, busy, marks })
        generated.begin(after)
        return { ...kept, generated }
      }
      case 'totp':
      case 'users': {
        const { path, code } = secret
        const same = before?.door.secret.kind === secret.kind && before.door.secret.path === path
        const users = new UsersDoor({ ...common, path, code, marks, before: same ? before.users?.people : undefined })
        users.refresh()
        return { ...kept, users }
      }
      case 'spa':
        // SpaDoors handles these doors. The gate does not know them.
        return kept
      default:
        return secret satisfies never
    }
  }

  /** Forgets the used codes of removed secrets, which would otherwise fill the journal. */
  #forgetCodes(): void {
    const { store } = this.#of
    const known = new Set<string>()
    for (const { users } of this.#kept.values()) for (const key of users?.keys() ?? []) known.add(key)
    for (const key of store.keys(USED_CODES_KEY)) {
      if (known.has(key) || newestUsedAt(parseUsed(store.newest(key), 0)) + USED_KEPT_MS > Date.now()) continue
      // The next start tries again.
      store.forget(key).catch(() => undefined)
    }
  }
}

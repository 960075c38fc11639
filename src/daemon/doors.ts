import type { Door } from '../config/config.ts'
import type { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import type { Held } from '../door/held.ts'
import { formatSequence } from '../config/sequence.ts'
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

/** Milliseconds for which used codes of a secret that is in no file any more are remembered: it may come back. */
const USED_KEPT_MS = 7 * 86_400_000

/** What the doors need of the daemon. */
export interface DoorsTerms {
  readonly gate: Gate
  readonly store: Store
  /** Folder of the lists that the daemon makes. */
  readonly listFolder: string
  readonly say: (level: 'notice' | 'warning' | 'error', text: string) => void
  /** Called when the gate knows other sequences, and so needs to see other packets. */
  readonly changed: () => void
  /** Called when not everybody who holds a door may do so still. */
  readonly holdersChanged: () => void
  readonly marks: HolderMarks
  /** Ports that something listens on. */
  readonly busy: () => ReadonlySet<number>
}

/** What the daemon keeps of one door. */
interface Kept {
  door: Door
  readonly signature: string
  readonly fixed?: Secret
  readonly list?: OneTimeDoor
  readonly generated?: GeneratedDoor
  readonly users?: UsersDoor
}

/** The doors of the config in force, and the sequences that the gate knows of them. */
export class Doors implements HolderJudge {
  readonly #of: DoorsTerms
  #kept = new Map<string, Kept>()
  /** The marks of a list's lines, for each state of it. */
  readonly #lines = new WeakMap<OneTimeLeft, MarksInForce>()

  constructor(of: DoorsTerms) {
    this.#of = of
  }

  /** Every sequence that opens something at the moment. */
  *secrets(): Generator<Secret> {
    for (const { fixed, list, generated, users } of this.#kept.values()) {
      const secret = fixed ?? list?.secret
      if (secret !== undefined) yield secret
      if (generated !== undefined) yield* generated.secrets()
      if (users !== undefined) yield* users.secrets()
    }
  }

  /** The door of this name, in the config in force. */
  find(name: string): Door | undefined {
    return this.#kept.get(name)?.door
  }

  /** How many sequences are left in a door's list; `undefined`: it has none. */
  left(name: string): number | undefined {
    const { list, generated } = this.#kept.get(name) ?? {}
    return (list ?? generated)?.left
  }

  /** How many users a door has; `undefined`: it has one secret for all. */
  users(name: string): number | undefined {
    return this.#kept.get(name)?.users?.users
  }

  /** Puts a new list in place of the one that the daemon keeps for a door. `undefined`: it keeps none. */
  async rotate(name: string): Promise<number | undefined> {
    return await this.#kept.get(name)?.generated?.rotate()
  }

  /**
   * Redeems the secret that was knocked: one that opens once is struck out first. The mark of who may hold the door then;
   * `undefined`: it stays shut.
   */
  async redeem(secret: Secret): Promise<string | undefined> {
    const { fixed, list, generated, users } = this.#kept.get(secret.door) ?? {}
    if (fixed !== undefined) return fixed === secret ? this.#markOf(fixed) : undefined
    if (list === undefined) return await (users?.redeem(secret) ?? generated?.strike(secret))
    const strike = await list.strike(secret)
    return strike === undefined ? undefined : this.#of.marks.mark('one-time', strike.rest)
  }

  /** Judges by the secret of the door, single packets aside. */
  mayHold(held: Held): Verdict {
    const { fixed, list, generated, users } = this.#kept.get(held.door) ?? {}
    const { holder } = held
    if (fixed !== undefined && holder !== undefined) return holder === this.#markOf(fixed) ? 'may' : 'may not'
    if (list !== undefined && holder !== undefined) return this.#judgeList(list, holder)
    return (users ?? generated)?.mayHold(held) ?? 'unknown'
  }

  /** Whoever opened with a line that is in the list still, struck out since, may hold its door. */
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

  /** Puts other doors in force. What did not change of a door's sequence goes on, with the attempts at it. */
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
    // In the order of the config, which is that of the log lines where sequences begin alike.
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
    const { gate, store, say, changed, holdersChanged, marks, busy, listFolder: folder } = this.#of
    const common = { door, gate, store, say, changed, holdersChanged }
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
        // The gate knows nothing of these: SpaDoors takes them.
        return kept
      default:
        return secret satisfies never
    }
  }

  /** Used codes of secrets that are gone would fill the journal in the end. */
  #forgetCodes(): void {
    const { store } = this.#of
    const known = new Set<string>()
    for (const { users } of this.#kept.values()) for (const key of users?.keys() ?? []) known.add(key)
    for (const key of store.keys(USED_CODES_KEY)) {
      if (known.has(key) || newestUsedAt(parseUsed(store.newest(key), 0)) + USED_KEPT_MS > Date.now()) continue
      // What is left over is forgotten by the next start.
      store.forget(key).catch(() => undefined)
    }
  }
}

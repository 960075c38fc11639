import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { endOverdue } from '../base/end-trial.ts'
import { BaseFiles } from '../base/files.ts'
import { Firewall } from '../base/firewall.ts'
import type { Confirmed } from '../base/confirmed.ts'
import { misfitProblems } from '../base/problem.ts'
import { isGone, reasonAgainst } from '../base/put-back.ts'
import { isOver, sinceBoot } from '../base/trial.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import type { Config } from '../config/config.ts'
import { BASE_TABLE } from '../firewall/base/ruleset.ts'
import { monitorRules } from '../native/netlink.ts'
import type { Monitor } from '../native/netlink.ts'
import { LockedError } from '../state/lock.ts'
import { watch } from '../file/watch.ts'
import type { Watch } from '../file/watch.ts'
import type { Log } from '../log/log.ts'
import { Repairs } from './repairs.ts'

/** Milliseconds in which several changes by other programs are treated as one. */
const LOOK_DELAY_MS = 20
/** Milliseconds until the next attempt to take a lock that a command holds. */
const LOCKED_DELAY_MS = 100
/** Milliseconds after a trial's deadline. In this time the trial's own process removes the ruleset. */
const KEEPER_SPARE_MS = 2_000
/** Milliseconds until something that failed is tried again. */
const FAILED_DELAY_MS = 60_000
/** The longest timer in milliseconds. The machine may be suspended in the meantime. */
const TIMER_MAX_MS = 60_000
const RUN_FOLDER_MODE = 0o755

/** Keeps this host's base ruleset as an operator confirmed it, for as long as the daemon runs. */
export class BaseKeeping {
  readonly #log: Pick<Log, 'notice'>
  /** Limits the rate of checks, as for repairs. Knocks that make other programs change rules must not cost more. */
  readonly #looks = new Repairs()
  #files: BaseFiles | undefined
  #config: Config | undefined
  #firewall: Firewall | undefined
  #monitor: Monitor | undefined
  #watch: Watch | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  /** The last message about each subject. It prevents the same message twice in a row. */
  readonly #said = new Map<string, string>()
  /** The table as first and last seen since it was confirmed or put back, or since the daemon started. */
  #first: string | undefined
  #last: string | undefined
  #stopped = false

  constructor(log: Pick<Log, 'notice'>) {
    this.#log = log
  }

  /** Ends an abandoned trial and puts the confirmed ruleset back. Logs failures and throws nothing. */
  start(config: Config): void {
    this.#config = config
    try {
      const files = new BaseFiles()
      this.#files = files
      mkdirSync(dirname(files.trial.path), { recursive: true, mode: RUN_FOLDER_MODE })
      // The trial's file is enough, because every ruleset begins as a trial.
      this.#watch = watch(
        files.trial.path,
        () => this.#look(),
        (error) => this.#say('watch', `cannot notice trials of a base ruleset: ${error.message}`),
      )
    } catch (error) {
      // Without root the files may be unreadable, and nothing can be repaired.
      if (process.geteuid?.() === 0) this.#say('watch', `cannot watch the base ruleset: ${(error as Error).message}`)
      return
    }
    this.#look()
  }

  /** Checks the confirmed ruleset against a new config, because the two may conflict. */
  replace(config: Config): void {
    this.#config = config
    if (this.#files !== undefined) this.#look()
  }

  /** Stops watching the base ruleset. The rules stay. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#watch?.close()
    this.#rest()
  }

  #look(): void {
    clearTimeout(this.#timer)
    this.#timerAt = Infinity
    if (this.#stopped) return
    this.#looks.made(performance.now())
    try {
      this.#lookUnderLock(this.#files!)
      this.#said.delete('failed')
    } catch (error) {
      if (error instanceof LockedError) {
        this.#lookIn(LOCKED_DELAY_MS)
        return
      }
      if ((error as NodeJS.ErrnoException).code === 'EACCES' && process.geteuid?.() !== 0) return
      this.#say('failed', `cannot watch the base ruleset: ${(error as Error).message}`)
      this.#lookIn(FAILED_DELAY_MS)
    }
  }

  #lookUnderLock(files: BaseFiles): void {
    if (files.trial.read() === undefined && files.confirmed.read() === undefined) {
      this.#rest()
      return
    }
    const lock = files.lock()
    try {
      const firewall = (this.#firewall ??= new Firewall())
      this.#listen()
      const ended = process.geteuid?.() === 0 ? endOverdue(files, firewall) : undefined
      if (ended !== undefined) {
        const what = ended === 'confirmed' ? 'was confirmed: it stays' : 'was not confirmed: it is taken back'
        this.#log.notice('warning', `a base ruleset on trial ${what}`)
      }
      const trial = files.trial.read()
      if (trial !== undefined) {
        this.#first = undefined
        if (process.geteuid?.() !== 0 && isOver(trial)) {
          this.#say(
            'over',
            `a base ruleset on trial was abandoned, and only root can end it\n${REMEDIES.restoreBase()}`,
          )
          return
        }
        this.#lookIn(trial.deadline - sinceBoot() + KEEPER_SPARE_MS)
        return
      }
      const confirmed = files.confirmed.read()
      if (confirmed !== undefined) this.#keep(confirmed, files, firewall)
    } finally {
      lock.release()
    }
  }

  #keep(confirmed: Confirmed, { certain }: BaseFiles, firewall: Firewall): void {
    const config = this.#config!
    if (isGone(firewall)) {
      this.#first = undefined
      const against = reasonAgainst(confirmed, config, certain)
      if (against !== undefined) {
        this.#say('gone', `the base ruleset is missing and was not restored: ${against.message}\n${against.command}`)
        return
      }
      firewall.run(confirmed.rules)
      this.#log.notice(
        'warning',
        `another program removed the base ruleset: restored as confirmed\nto remove it: ${REMEDIES.readOfRemoval()}`,
      )
    }
    this.#said.delete('gone')
    this.#compare(firewall)
    const problems = misfitProblems(confirmed, config)
    this.#say('misfit', problems.map(({ message, command }) => `${message}\n${command}`).join('\n'))
  }

  /** Logs an edit by another program. The edit stays, because it may be intended. */
  #compare(firewall: Firewall): void {
    const before = this.#last
    this.#last = firewall.list(BASE_TABLE)
    if (this.#first === undefined) this.#first = this.#last
    else if (this.#last !== this.#first && this.#last !== before) {
      this.#log.notice(
        'warning',
        `the base ruleset was changed by another program\nto restore it as confirmed: ${REMEDIES.restoreBase()}`,
      )
    }
  }

  #listen(): void {
    try {
      this.#monitor ??= monitorRules(() => this.#changed())
    } catch (error) {
      this.#say('monitor', `changes of the base ruleset are noticed late: ${(error as Error).message}`)
      this.#lookIn(FAILED_DELAY_MS)
    }
  }

  #changed(): void {
    this.#lookIn(Math.max(LOOK_DELAY_MS, this.#looks.wait(performance.now())))
  }

  #lookIn(ms: number): void {
    const at = performance.now() + Math.min(Math.max(0, ms), TIMER_MAX_MS)
    if (this.#stopped || at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => this.#look(), at - performance.now()).unref()
  }

  /** Stops watching the rules, because no ruleset is confirmed or on trial. */
  #rest(): void {
    this.#monitor?.close()
    this.#firewall?.close()
    this.#monitor = undefined
    this.#firewall = undefined
    this.#first = undefined
    this.#said.clear()
  }

  #say(subject: string, text: string): void {
    if (this.#said.get(subject) === text) return
    this.#said.set(subject, text)
    if (text !== '') this.#log.notice('warning', text)
  }
}

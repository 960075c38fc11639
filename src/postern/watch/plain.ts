import { createInterface } from 'node:readline'
import { SIGNALLED } from '../../cli/exit-code.ts'
import type { Output } from '../../cli/output.ts'
import type { Choice } from '../../control/message.ts'
import { statusText } from '../control/status.ts'
import { complaintsOf } from './complaints.ts'
import { answered, begun, questionOf, wordsFor } from './dialog.ts'
import { editorOf } from './editor.ts'
import { Feed, REAL_SOCKET } from './feed.ts'
import { clean } from './glyphs.ts'
import { concluded, filtered } from './keys.ts'
import type { Pressed } from './keys.ts'
import { told } from './news.ts'
import type { News } from './news.ts'
import { spokenSummary } from './spoken.ts'
import { beginning } from './state.ts'
import type { Action, Dialog, Moment, WatchState } from './state.ts'
import { readChoice } from './filter.ts'
import { UsageError } from '../../cli/fault.ts'

/** Milliseconds between two requests for a status: nothing in it is shown as it runs down. */
export const STATUS_EVERY_MS = 5_000
/** The most possible answers that a question names. */
const WORDS_MAX = 10

const ACTIONS: Readonly<Record<string, Action>> = {
  o: 'open',
  open: 'open',
  e: 'extend',
  extend: 'extend',
  c: 'close',
  close: 'close',
  f: 'forgive',
  forgive: 'forgive',
}
const HELP = `commands: open, extend, close, forgive (each asks), list, pause, quit,
filter --door DOOR --source NETWORK --user USER (without options: everything)`

/** The terms of a plain watch. */
interface PlainTerms {
  readonly find: () => string
  readonly filter: Choice
  readonly isUtf8: boolean
}

/** The watch as lines, one an event, for screen readers and files. Commands are typed as lines. */
export class Plain {
  readonly #feed: Feed
  readonly #output: Output
  readonly #isTyped: boolean
  readonly #find: () => string
  #state: WatchState
  #complaints: readonly string[] | undefined
  /** The action that begins with the next status, so that its questions are about what is so now. */
  #begins: Action | undefined
  #end: (code: number) => void = () => undefined

  /** @param isTyped true if commands can be typed */
  constructor({ find, filter, isUtf8 }: PlainTerms, isTyped: boolean, output: Output) {
    this.#output = output
    this.#isTyped = isTyped
    this.#find = find
    this.#state = beginning(isUtf8, filter)
    const tell = (news: News): void => this.#tell(news)
    this.#feed = new Feed(filter, { ...REAL_SOCKET, find, tell, everyMs: STATUS_EVERY_MS, eventsMax: Infinity })
  }

  /** Prints until it is quit, or a signal ends it. Returns the exit code. */
  async run(): Promise<number> {
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve
    })
    const signals = (['SIGTERM', 'SIGHUP', 'SIGINT'] as const).map(
      (name) => [name, () => this.#end(SIGNALLED[name])] as const,
    )
    for (const [name, handler] of signals) process.on(name, handler)
    // Not a terminal for readline: it would write control sequences.
    const typed = this.#isTyped ? createInterface({ input: process.stdin, terminal: false }) : undefined
    typed?.on('line', (line) => this.#type(line.trim()))
    typed?.on('close', () => this.#end(0))
    try {
      this.#feed.start()
      return await ended
    } finally {
      this.#feed.stop()
      typed?.close()
      process.stdin.pause()
      for (const [name, handler] of signals) process.off(name, handler)
    }
  }

  #say(text: string): void {
    this.#output.out(`${clean(text, this.#state.isUtf8)}\n`)
  }

  #tell(news: News): void {
    const before = this.#state
    this.#state = told(before, news, now())
    const { link, message, seen } = this.#state
    if (news.kind === 'events') for (const { when, text } of news.events) this.#say(`${when} ${text}`)
    if (message !== undefined && message !== before.message) this.#say(message.text)
    if (link.kind === 'down' && (before.link.kind !== 'down' || before.link.reason !== link.reason)) {
      this.#say(`${link.reason}: ${link.hint}; trying again`)
    }
    if (seen === undefined || news.kind === 'events') return
    if (before.seen === undefined) {
      for (const line of spokenSummary(this.#state)) this.#say(line)
      if (this.#isTyped) this.#say('type help and Enter for commands')
    }
    this.#sayComplaints()
    this.#begin()
  }

  /** Says what is wrong, and what no longer is. */
  #sayComplaints(): void {
    const before = this.#complaints
    const after = complaintsOf(this.#state).map(({ state, text }) => `${state}: ${text}`)
    this.#complaints = after
    for (const text of after) if (before?.includes(text) !== true) this.#say(text)
    if (after.length === 0 && before?.length !== 0) this.#say('all is well')
    else for (const text of before ?? []) if (!after.includes(text)) this.#say(`no longer: ${text}`)
  }

  #type(line: string): void {
    const { dialog } = this.#state
    if (dialog !== undefined) {
      if (line === '.') {
        this.#state = { ...this.#state, dialog: undefined }
        this.#say(`${dialog.action}: nothing was done`)
        return
      }
      this.#take(concluded(this.#state, answered(this.#state, { ...dialog, editor: editorOf(line) })))
      return
    }
    const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(line) ?? []
    const action = ACTIONS[word]
    if (action !== undefined) {
      this.#begins = action
      if (this.#state.link.kind !== 'up' || !this.#feed.hurry()) this.#begin()
    } else if (word === 'filter') this.#choose(rest)
    else if (word === 'pause' || word === 'p') this.#pause()
    else if (word === 'list' || word === 'l') void this.#list()
    else if (word === 'quit' || word === 'q') this.#end(0)
    else if (word !== '') this.#output.out(`${HELP}\n`)
  }

  #choose(text: string): void {
    try {
      this.#take(filtered(this.#state, readChoice(text)))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      this.#say(`filter: ${error.message}${error.hint === undefined ? '' : `: ${error.hint}`}`)
    }
  }

  #begin(): void {
    const action = this.#begins
    this.#begins = undefined
    if (action !== undefined) this.#take({ state: { ...this.#state, dialog: begun(this.#state, action) } })
  }

  #pause(): void {
    const isPaused = this.#state.pausedMs !== undefined
    this.#state = { ...this.#state, pausedMs: isPaused ? undefined : Date.now() }
    this.#say(isPaused ? 'watching again' : 'paused: nothing is asked; pause again goes on')
    if (isPaused) this.#feed.start()
    else this.#feed.stop()
  }

  /** Prints the whole status, which the feed does not ask for. */
  async #list(): Promise<void> {
    try {
      const reply = await REAL_SOCKET.ask(this.#find(), { command: 'status' })
      if ('status' in reply) for (const line of statusText(reply.status).trimEnd().split('\n')) this.#say(line)
      else if ('error' in reply) this.#say(`list: ${reply.error}`)
    } catch (error) {
      this.#say(`list: ${(error as Error).message}`)
    }
  }

  /** Says what a command led to, and asks the next question. */
  #take({ state, order }: Pressed): void {
    const { message, dialog } = this.#state
    this.#state = state
    if (state.message !== undefined && state.message !== message) this.#say(state.message.text)
    if (order?.kind === 'ask') void this.#feed.request(order.request)
    if (order?.kind === 'filter') this.#feed.choose(order.filter)
    if (state.dialog !== undefined) this.#ask(state.dialog, state.dialog.step === dialog?.step)
  }

  #ask(dialog: Dialog, isAgain: boolean): void {
    if (dialog.note !== undefined) this.#say(dialog.note.text)
    const words = wordsFor(this.#state, dialog)
    const known = words.length === 0 || isAgain ? '' : `, as ${words.slice(0, WORDS_MAX).join(' or ')}`
    this.#say(`${questionOf(this.#state, dialog).replace(/: $/, '')}${known}? A dot ends this`.replace('??', '?'))
  }
}

function now(): Moment {
  return { steady: performance.now(), wall: Date.now() }
}

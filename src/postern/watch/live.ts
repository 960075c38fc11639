import { setTimeout as sleep } from 'node:timers/promises'
import { DONE, SIGNALLED } from '../../cli/exit-code.ts'
import type { Choice } from '../../control/message.ts'
import type { Key } from './editor.ts'
import { EVENTS_MAX, beginning } from './state.ts'
import { Feed, REAL_SOCKET } from './feed.ts'
import { pressed } from './keys.ts'
import type { Order } from './keys.ts'
import { told } from './news.ts'
import type { News } from './news.ts'
import { Painter } from './paint.ts'
import { pictureOf } from './picture.ts'
import { Screen } from './screen.ts'
import type { Moment, WatchState } from './state.ts'

/** Milliseconds between two requests for a status, and the least between two pictures. */
export const STATUS_EVERY_MS = 1_000
export const DRAW_EVERY_MS = 100
/** Milliseconds after which a process that could not be stopped goes on. */
const STOPPED_MS = 200

/** The terminal, and how it is used. */
export interface LiveTerms {
  readonly find: () => string
  readonly filter: Choice
  readonly isUtf8: boolean
  readonly hasColours: boolean
}

/** The live picture in a terminal. */
export class Live {
  readonly #screen: Screen
  readonly #painter: Painter
  readonly #feed: Feed
  #state: WatchState
  #drawing: NodeJS.Timeout | undefined
  #drawnAt = -Infinity
  #ticking: NodeJS.Timeout | undefined
  #isStopped = false
  #end: (code: number) => void = () => undefined

  constructor({ find, filter, isUtf8, hasColours }: LiveTerms) {
    this.#state = beginning(isUtf8, filter)
    this.#painter = new Painter(hasColours)
    this.#screen = new Screen(process.stdin, process.stdout, {
      key: (key) => this.#press(key),
      resized: () => this.#draw(),
      lost: (code) => this.#end(code === 'EPIPE' ? SIGNALLED.SIGPIPE : SIGNALLED.SIGHUP),
    })
    const tell = (news: News): void => {
      this.#state = told(this.#state, news, now())
      this.#draw()
    }
    this.#feed = new Feed(filter, { ...REAL_SOCKET, find, tell, everyMs: STATUS_EVERY_MS, eventsMax: EVENTS_MAX })
  }

  /** Shows the picture until it is quit, or a signal ends it. Returns the exit code. */
  async run(): Promise<number> {
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve
    })
    const signals = (['SIGTERM', 'SIGHUP', 'SIGINT'] as const).map(
      (name) => [name, () => this.#end(SIGNALLED[name])] as const,
    )
    const stop = (): void => void this.#suspend(process.pid)
    for (const [name, handler] of signals) process.on(name, handler)
    process.on('SIGTSTP', stop)
    process.on('SIGCONT', this.#continued)
    try {
      this.#begin()
      return await ended
    } finally {
      this.#pause()
      this.#screen.close()
      for (const [name, handler] of signals) process.off(name, handler)
      process.off('SIGTSTP', stop)
      process.off('SIGCONT', this.#continued)
    }
  }

  #begin(): void {
    this.#screen.enter()
    this.#painter.forget()
    if (this.#state.pausedMs === undefined) this.#feed.start()
    this.#ticking = setInterval(() => {
      if (this.#state.pausedMs === undefined) this.#draw()
    }, STATUS_EVERY_MS)
    this.#draw()
  }

  #pause(): void {
    clearTimeout(this.#drawing)
    this.#drawing = undefined
    clearInterval(this.#ticking)
    this.#feed.stop()
  }

  /** Draws soon: at once, but not too often, and not before the terminal has taken the last picture. */
  #draw(): void {
    if (this.#drawing !== undefined) return
    const wait = Math.max(0, this.#drawnAt + DRAW_EVERY_MS - performance.now())
    this.#drawing = setTimeout(() => {
      this.#drawing = undefined
      this.#drawnAt = performance.now()
      if (this.#screen.isBusy) {
        this.#draw()
        return
      }
      const { size } = this.#screen
      this.#screen.write(this.#painter.paint(pictureOf(this.#state, size, now()), size))
    }, wait)
  }

  #press(key: Key): void {
    const { state, order } = pressed(this.#state, key, now())
    this.#state = state
    if (order !== undefined) this.#carryOut(order)
    this.#draw()
  }

  #carryOut(order: Order): void {
    switch (order.kind) {
      case 'quit':
        return this.#end(DONE)
      case 'stop':
        // As the terminal does it: the whole job.
        return void this.#suspend(0)
      case 'redraw':
        return this.#painter.forget()
      case 'pause':
        return this.#feed.stop()
      case 'resume':
        return this.#feed.start()
      case 'filter':
        return this.#feed.choose(order.filter)
      case 'ask':
        return void this.#feed.request(order.request)
      default:
        return order satisfies never
    }
  }

  /** Gives the terminal back and stops the process. Nothing is asked meanwhile. */
  async #suspend(pid: number): Promise<void> {
    this.#isStopped = true
    this.#pause()
    this.#screen.leave()
    // Without handlers the signal stops the process; one that no shell could continue goes on.
    const handlers = process.listeners('SIGTSTP')
    process.removeAllListeners('SIGTSTP')
    process.kill(pid, 'SIGTSTP')
    await sleep(STOPPED_MS)
    for (const handler of handlers) process.on('SIGTSTP', handler)
    if (this.#isStopped) this.#continued()
  }

  /** After a stop, the terminal may have been used by others. */
  readonly #continued = (): void => {
    this.#isStopped = false
    this.#pause()
    this.#screen.leave()
    this.#begin()
  }
}

function now(): Moment {
  return { steady: performance.now(), wall: Date.now() }
}

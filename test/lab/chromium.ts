import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import type { Host } from './net.ts'
import { LINE_LIMIT_MS, STOP_LIMIT_MS, until } from './process.ts'
import { scratch } from './scratch.ts'

/** Debian's Chromium. */
export const CHROMIUM = '/usr/bin/chromium'
/** Whether there is one here. */
export const HAS_CHROMIUM = existsSync(CHROMIUM)

/** Milliseconds a browser may take to answer one command. */
const ANSWER_LIMIT_MS = 30_000
/** The file descriptors `--remote-debugging-pipe` reads from and writes to: messages in JSON, each ended by a NUL. */
const PIPES = ['pipe', 'pipe'] as const
const END = '\0'

/** Nothing of its own on the wire, nothing asked: what is left is what the page does. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--remote-debugging-pipe',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-dev-shm-usage',
  '--disable-extensions',
  '--disable-gpu',
  '--disable-sync',
  '--metrics-recording-only',
]

type Parameters = Readonly<Record<string, unknown>>

/** An answer or an event of the Chrome DevTools Protocol. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: Parameters
  readonly result?: Parameters
  readonly error?: { readonly message: string }
}

/** How a tab looks at the page. */
export interface Look {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
  readonly scripts?: boolean
}

/** A desktop's window by day. */
export const DESKTOP: Look = { width: 1280, height: 800, scheme: 'light' }

/** A Chromium on a host, with a profile of its own that is empty. It ends with the test file, as all on its host does. */
export class Chromium {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #tabs = new Map<string, (message: Message) => void>()
  #count = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    const out = child.stdio[4] as Readable
    let rest = ''
    out.setEncoding('utf8')
    out.on('data', (text: string) => {
      const parts = (rest + text).split(END)
      rest = parts.pop()!
      for (const part of parts) this.#take(JSON.parse(part) as Message)
    })
  }

  /** Starts it. Rejects if it does not answer. */
  static async start(host: Host, flags: readonly string[] = []): Promise<Chromium> {
    const argv = [CHROMIUM, ...FLAGS, `--user-data-dir=${scratch('chromium')}`, ...flags]
    const child = spawn('ip', ['netns', 'exec', host.ns, ...argv], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', ...PIPES],
    })
    child.on('error', () => undefined)
    const chromium = new Chromium(child)
    await chromium.send('Browser.getVersion')
    return chromium
  }

  /** A new tab, empty. */
  async tab(look: Look = DESKTOP): Promise<Tab> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const tab = new Tab(async (method, params) => this.send(method, params, sessionId as string))
    this.#tabs.set(sessionId as string, (message) => tab.hear(message.method!, message.params ?? {}))
    await tab.look(look)
    return tab
  }

  /** Gives a command and waits for its answer. Rejects with the browser's complaint, or if none comes in time. */
  async send(method: string, params: Parameters = {}, sessionId?: string): Promise<Parameters> {
    const id = ++this.#count
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`chromium did not answer ${method}`)), ANSWER_LIMIT_MS)
      this.#waiting.set(id, ({ result, error }) => {
        clearTimeout(timer)
        if (error === undefined) resolve(result ?? {})
        else reject(new Error(`${method}: ${error.message}`))
      })
      const text = JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })
      ;(this.#child.stdio[3] as Writable).write(text + END)
    })
  }

  /** Ends it, with all its processes. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => {
      this.#child.once('exit', resolve)
    })
    const timer = setTimeout(() => process.kill(-this.#child.pid!, 'SIGKILL'), STOP_LIMIT_MS)
    await this.send('Browser.close').catch(() => undefined)
    await ended
    clearTimeout(timer)
  }

  #take(message: Message): void {
    if (message.id === undefined) {
      this.#tabs.get(message.sessionId ?? '')?.(message)
      return
    }
    this.#waiting.get(message.id)?.(message)
    this.#waiting.delete(message.id)
  }
}

/** One tab, and what was heard of it since it was made. */
export class Tab {
  /** URLs that were asked for, in order, whether or not anything was sent. */
  readonly requests: string[] = []
  /** Warnings and errors in the console: the page's own, and what the browser says of it. */
  readonly complaints: string[] = []
  readonly #send: (method: string, params?: Parameters) => Promise<Parameters>
  #loads = 0

  /** @param send gives a command to this tab */
  constructor(send: (method: string, params?: Parameters) => Promise<Parameters>) {
    this.#send = send
  }

  /** Takes an event of the protocol. */
  hear(method: string, params: Parameters): void {
    if (method === 'Page.loadEventFired') this.#loads++
    if (method === 'Network.requestWillBeSent') this.requests.push((params['request'] as { url: string }).url)
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params['exceptionDetails']))
    if (method === 'Log.entryAdded') {
      const { level, text } = params['entry'] as { level: string; text: string }
      if (level === 'error' || level === 'warning') this.complaints.push(text)
    }
    if (method === 'Runtime.consoleAPICalled' && params['type'] !== 'log') {
      this.complaints.push(JSON.stringify(params['args']))
    }
  }

  /** Sets the window's size and colours; a narrow one is a phone's. */
  async look({ width, height, scheme, scripts = true }: Look): Promise<void> {
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await this.#send(`${domain}.enable`)
    const phone = width < 600
    await this.#send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: phone ? 2 : 1,
      mobile: phone,
    })
    await this.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
    await this.#send('Emulation.setScriptExecutionDisabled', { value: !scripts })
  }

  /** Goes to an address and waits until all of it is loaded. */
  async open(url: string): Promise<void> {
    const before = this.#loads
    const { errorText } = await this.#send('Page.navigate', { url })
    if (errorText !== undefined) throw new Error(`${url}: ${errorText as string}`)
    await until(`${url} is loaded`, () => this.#loads > before)
  }

  /** What an expression is in the page; promises are waited for. Throws what it throws. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const answer = await this.#send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    const { exceptionDetails, result } = answer as { exceptionDetails?: unknown; result: { value: Value } }
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
    return result.value
  }

  /** The text somebody sees of an element; empty if it is not shown. */
  async text(selector: string): Promise<string> {
    // Of what is not shown, innerText is all that it would be.
    return this.evaluate(
      `{ const found = document.querySelector(${JSON.stringify(selector)}); found?.checkVisibility() ? found.innerText : '' }`,
    )
  }

  /** Waits until an element's visible text matches. Throws with what the page shows if it does not come to that. */
  async see(selector: string, pattern: RegExp, limitMs = LINE_LIMIT_MS): Promise<void> {
    try {
      await until(`${selector} shows ${pattern}`, async () => pattern.test(await this.text(selector)), limitMs)
    } catch (cause) {
      const shown = await this.text('body')
      throw new Error(`${selector} does not show ${pattern}; the page:\n${shown}\n${this.complaints.join('\n')}`, {
        cause,
      })
    }
  }

  /** Clicks into the middle of an element, with the mouse. */
  async click(selector: string): Promise<void> {
    const [x, y] = await this.evaluate<[number, number]>(
      `{ const found = document.querySelector(${JSON.stringify(selector)}); found.scrollIntoView({ block: 'center' });` +
        ' const box = found.getBoundingClientRect(); [box.x + box.width / 2, box.y + box.height / 2] }',
    )
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.#send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 })
    }
  }

  /** Puts a text where the focus is, as pasting does. */
  async type(text: string): Promise<void> {
    await this.#send('Input.insertText', { text })
  }

  /** Presses a key. */
  async press(key: 'Enter' | 'Tab'): Promise<void> {
    const code = { Enter: 13, Tab: 9 }[key]
    const text = key === 'Enter' ? { text: '\r' } : {}
    await this.#send('Input.dispatchKeyEvent', {
      type: 'keyDown',
      key,
      code: key,
      windowsVirtualKeyCode: code,
      ...text,
    })
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: code })
  }

  /** Takes a picture of the window, a PNG. */
  async picture(file: string, whole = false): Promise<void> {
    const { data } = await this.#send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: whole })
    writeFileSync(file, Buffer.from(data as string, 'base64'))
  }
}

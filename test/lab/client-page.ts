import { createHash, X509Certificate } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import { encodeProfile } from '../../src/publish/client-profile.ts'
import { NODE_CIPHER } from '../../src/publish/page/node-cipher.ts'
import { WORK_FACTOR } from '../../src/publish/page/sealed.ts'
import type { PageArguments } from '../../src/postern/page/arguments.ts'
import { page as makePage } from '../../src/postern/page/page.ts'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { fromBase32 } from '../../src/totp/base32.ts'
import { axeFindings, startChromium } from './chromium.ts'
import { PROJECT, program, startKnockd } from './knockd.ts'
import { Host, SERVER_4, pair } from './net.ts'
import { startNginx } from './nginx.ts'
import type { WebServer } from './nginx.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

/** Where pictures of the page are left, if wanted. */
const { PICTURES } = process.env
export const LIMIT_MS = 180_000
const SEE_LIMIT_MS = 45_000
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
}
export const NAME = 'gate.example.org'
export const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
export const SECRET: TotpSecret = { key: fromBase32(KEY)!, algorithm: 'SHA1', digits: 8, periodS: 15 }
export const PASSPHRASE = 'correct horse battery staple'
/** A port at which HTTP answers once it is open. */
export const SERVICE = 8_080
/** The lowest work factor of scrypt that a page opens. */
export const CHEAP_WORK_FACTOR = 10

/** What the tests of a file share: a server with a web server, and a client with a browser that trusts it. */
export interface Site {
  readonly server: Host
  readonly client: Host
  readonly web: WebServer
  readonly browser: Browser
  /** A file with {@link PASSPHRASE}. */
  readonly passphrase: string
  /** Copies of the web server's folder by the pages that were made there: stretching a passphrase takes long. */
  readonly copies: Map<string, string>
}

/** Sets up both hosts. */
const startSite = async (): Promise<Site> => {
  const { server, client } = await pair()
  client.etc('hosts', `${SERVER_4} ${NAME}\n`)
  const web = await startNginx(server)
  const passphrase = scratch('passphrase')
  writeFileSync(passphrase, `${PASSPHRASE}\n`, { mode: 0o600 })
  server.start([
    process.execPath,
    '-e',
    `require('http').createServer((_, answer) => answer.end('in')).listen(${SERVICE})`,
  ])
  const browser = await startChromium(client, trusting(web.certificate))
  return { server, client, web, browser, passphrase, copies: new Map() }
}

/** Closes every tab, stops the daemon, and takes away what it and a test left in the firewall and of the web server. */
const tidy = async ({ browser, server, web }: Site, daemon: Process | undefined): Promise<void> => {
  for (const context of browser.contexts()) await context.close()
  await daemon?.stop()
  await server.run(['nft', 'flush', 'ruleset'])
  await web.again()
}

/** What the tests of a file share, and the daemon of one test at a time. */
export class ClientPages {
  site!: Site
  /** The process that was started last. */
  running: Process | undefined

  /** For a whole test file. */
  constructor() {
    beforeAll(async () => {
      this.site = await startSite()
    }, LIMIT_MS)
    afterEach(async () => {
      await tidy(this.site, this.running)
      this.running = undefined
    })
    afterAll(async () => await this.site.browser.close())
  }

  /** Starts a daemon whose door a user opens by codes. */
  async codes(secret = SECRET): Promise<ClientPageSet> {
    const set = await startCodes(this.site, secret)
    this.running = set.daemon
    return set
  }
}

/** A daemon of one test. */
export interface ClientPageSet {
  readonly daemon: Process
  /** Makes a page in the web server's folder, and returns its file. */
  readonly make: (...words: readonly string[]) => Promise<string>
  /** The same, with a page that a busy machine opens at once. */
  readonly makeCheap: () => Promise<string>
}

/** Starts a daemon whose door a user opens by codes. */
const startCodes = async (
  { server, web: { folder }, passphrase, copies }: Site,
  secret: TotpSecret,
): Promise<ClientPageSet> => {
  const users = scratch('users')
  const uri = `otpauth://totp/x?secret=${KEY}&digits=8&period=${secret.periodS}`
  writeFileSync(users, `alice ${uri}\n`, { mode: 0o600 })
  const config = `[options]\nHide_With = drop\n[ssh]\nUsers = ${users}\nSequence = 7431\nOpen_Ports = tcp/${SERVICE}\nOpen_For = 10m\n`
  const { process: daemon, file } = await startKnockd({ host: server, config })
  const page = join(folder, 'ssh.html')
  const make = async (...words: readonly string[]): Promise<string> => {
    const what = words.join(' ')
    const copy = copies.get(what) ?? scratch('copy')
    if (copies.has(what)) {
      cpSync(copy, folder, { recursive: true })
      return page
    }
    const own = ['page', '-c', file, '--door', 'ssh', '--host', NAME, ...words]
    const from = words.includes('--user') ? ['--passphrase-file', passphrase] : []
    await server.run([process.execPath, program('postern'), ...own, ...from, page])
    cpSync(folder, copy, { recursive: true })
    copies.set(what, copy)
    return page
  }
  const makeCheap = async (): Promise<string> => {
    await cheapPage({ config: file, door: 'ssh', host: NAME, 'passphrase-file': passphrase, file: page })
    return page
  }
  return { daemon, make, makeCheap }
}

/** Waits until an element is visible and its text matches. */
export const see = async (page: Page, selector: string, pattern: RegExp): Promise<void> =>
  await page.locator(selector).filter({ hasText: pattern, visible: true }).waitFor({ timeout: SEE_LIMIT_MS })

/**
 * The findings of axe, and a picture in both colours and three widths.
 *
 * @param withAxe false where another look sees the same elements
 */
export const look = async (page: Page, name: string, withAxe = true): Promise<void> => {
  if (withAxe) expect(await axeFindings(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  if (PICTURES === undefined) return
  const before = page.viewportSize()!
  for (const width of [320, 390, 1280]) {
    await page.setViewportSize({ width, height: 844 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(PICTURES, `${name}-${width}-${colorScheme}.png`), fullPage: true })
    }
  }
  await page.setViewportSize(before)
}

export const link = (protocol: string): string =>
  `${protocol}://${NAME}/ssh.html#${encodeProfile({ host: NAME, service: SERVICE, door: 'ssh', user: 'alice', means: { kind: 'codes', secret: SECRET, before: [{ protocol: 6, port: 7431 }] } })}`

export const codesNow = (): readonly string[] => {
  const period = periodAt(SECRET, Date.now())
  return [period - 1, period, period + 1].map((each) => codeOf(SECRET, each))
}
export const shown = async (page: Page): Promise<string> =>
  (await page.locator('#code').textContent())!.replace(' ', '')

export const unlock = async (page: Page, passphrase: string): Promise<void> => {
  await page.fill('#key', passphrase)
  await page.press('#key', 'Enter')
}

/** Presses the tabulator until an element has the focus. */
export const tabTo = async (page: Page, id: string): Promise<void> => {
  await until(`the focus on ${id}`, async () => {
    await page.keyboard.press('Tab')
    return (await page.evaluate('document.activeElement.id')) === id
  })
}

/** Makes a page for alice in this process, with so little stretching that a busy machine opens it at once. */
export const cheapPage = async (
  asked: Omit<PageArguments, 'user' | 'mode' | 'identity'> & { readonly identity?: string },
): Promise<void> => {
  let said = ''
  const output = { out: (text: string) => void (said += text), err: (text: string) => void (said += text) }
  const { stretch } = NODE_CIPHER
  const cheap = vi.spyOn(NODE_CIPHER, 'stretch').mockImplementation(async (passphrase, salt) => {
    return await stretch(passphrase, salt, CHEAP_WORK_FACTOR)
  })
  const built = pathToFileURL(join(PROJECT, 'dist/publish/page/'))
  const code = await makePage({ identity: undefined, ...asked, user: 'alice', mode: 0o644 }, output, built)
  cheap.mockRestore()
  expect(code, said).toBe(0)
  const html = readFileSync(asked.file, 'utf8')
  writeFileSync(asked.file, html.replace(` passphrase:${WORK_FACTOR}:`, ` passphrase:${CHEAP_WORK_FACTOR}:`))
}

/** The flags of a browser that trusts a certificate. */
const trusting = (certificate: string): readonly string[] => {
  const { publicKey } = new X509Certificate(readFileSync(certificate))
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(der).digest('base64')}`]
}

/** Gives a tab an authenticator whose passkeys have PRF, and at which somebody always agrees. */
export const addAuthenticator = async (page: Page): Promise<void> => {
  const protocol = await page.context().newCDPSession(page)
  await protocol.send('WebAuthn.enable')
  const options = {
    protocol: 'ctap2',
    ctap2Version: 'ctap2_1',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    hasPrf: true,
    automaticPresenceSimulation: true,
  } as const
  await protocol.send('WebAuthn.addVirtualAuthenticator', { options })
}

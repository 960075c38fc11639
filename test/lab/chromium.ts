import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Host } from './net.ts'
import { scratch } from './scratch.ts'

const CHROMIUM = '/usr/bin/chromium'
/** Whether Debian's Chromium is installed. */
export const HAS_CHROMIUM = existsSync(CHROMIUM)

/** Nothing of the browser's own goes on the wire, so what is left is what the page does. Root needs `--no-sandbox`. */
const FLAGS = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }

/** Starts Debian's Chromium on a host, with an empty profile. */
export async function startChromium(host: Host, flags: readonly string[] = []): Promise<Browser> {
  const executablePath = scratch('chromium')
  writeFileSync(executablePath, `#!/bin/sh\nexec ip netns exec ${host.ns} ${CHROMIUM} "$@"\n`)
  chmodSync(executablePath, 0o700)
  return await chromium.launch({ executablePath, args: [...FLAGS, ...flags] })
}

/** A tab, and what it asked for and complained of since it was opened. */
export interface Tab {
  readonly page: Page
  /** URLs that were asked for, in order, whether or not anything was sent. */
  readonly requests: readonly string[]
  /** Warnings and errors in the console: the page's own, and the browser's about it. */
  readonly complaints: readonly string[]
}

/** Opens a tab in a context of its own. */
export async function openTab(browser: Browser, look: BrowserContextOptions = DESKTOP): Promise<Tab> {
  const page = await (await browser.newContext(look)).newPage()
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  return { page, requests, complaints }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Returns what axe finds of a page as it is shown: the rules that it breaks, and the elements. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(AXE)
  // Of what is right it would gather every element, with a selector.
  const { violations } = (await page.evaluate('axe.run({ resultTypes: ["violations"], selectors: false })')) as {
    violations: { id: string; nodes: { html: string }[] }[]
  }
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

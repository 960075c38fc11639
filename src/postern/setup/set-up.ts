import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { ConfigTrialFile } from '../../base/config-trial.ts'
import { CONFIG_UNUSABLE, DONE, FAILED, SIGNALLED } from '../../cli/exit-code.ts'
import { Failure, UsageError } from '../../cli/fault.ts'
import { CONFIG_DEFAULT } from '../../cli/option.ts'
import type { Output } from '../../cli/output.ts'
import { formatService } from '../../config/service.ts'
import { check, examine } from '../check/check.ts'
import { differing } from '../firewall/difference.ts'
import { awaitVerdict } from '../firewall/base/verdict.ts'
import { rehearsed } from '../rehearse/rehearse.ts'
import { asText } from '../rehearse/report.ts'
import type { SetupArguments } from './arguments.ts'
import { begin, stage, stagedPath, textOf } from './begin.ts'
import type { Choices, Plan } from './choices.ts'
import { clientText, hostOf } from './client-line.ts'
import { configText } from './config-text.ts'
import { confirmConfig } from './confirm.ts'
import { drawSequence } from './draw.ts'
import type { Draw } from './draw.ts'
import { lookAround } from './facts.ts'
import type { MachineFacts } from './facts.ts'
import { lookAtPresent } from './present.ts'
import type { Present } from './present.ts'
import { askForKey, choose, doubtsOf } from './questions.ts'
import { printReport } from './report.ts'
import type { State } from './report.ts'
import { faultOfUser, hasSecrets, makeSecrets, removeSecrets, secretFileOf } from './secrets.ts'
import type { Secrets } from './secrets.ts'
import { faultOf } from './service.ts'
import { takeBack } from './take-back.ts'
import { Terminal } from './terminal.ts'
import { daemonUser } from './user.ts'

/** The number of knocks of a drawn sequence, and of one in front of a code. */
const KNOCKS = 4
const KNOCKS_BEFORE_CODE = 3

/** One run of set-up, from the facts to the trial. */
interface SetUp {
  readonly asked: SetupArguments
  readonly output: Output
  readonly file: ConfigTrialFile
  readonly facts: MachineFacts
  readonly present: Present
  readonly plan: Plan
  readonly text: string
  readonly host: string
  /** The line of the client's key, for single packets. */
  readonly userLine: string | undefined
}

/** Sets this machine up, and returns the exit code. The conversation goes to standard error. */
export async function setUp(asked: SetupArguments, output: Output): Promise<number> {
  const file = new ConfigTrialFile(asked.config)
  const present = await lookAtPresent(file, asked['dry-run'], output.err)
  refuseForeign(present, asked)
  const isAsking = !asked.yes && !asked['dry-run'] && process.stdin.isTTY
  if (!asked.yes && !asked['dry-run'] && !isAsking) {
    throw new UsageError('standard input is not a terminal', '--yes takes what is proposed, and asks nothing')
  }
  let userLine = asked['user-key']
  const fault = userLine === undefined ? undefined : faultOfUser(userLine)
  if (fault !== undefined) throw new UsageError(`--user-key: ${fault.message}`, fault.hint)
  const terminal = isAsking ? new Terminal(process.stdin, process.stderr, true) : undefined
  try {
    const facts = await lookAround()
    const choices = await choose({ asked, facts, present: present.plan, terminal, say: output.err })
    const plan = planOf(choices, present.plan, facts)
    const text = configText(plan)
    const host = asked.host ?? hostOf(facts, plan.interfaces)
    if (terminal !== undefined && plan.secret === 'spa' && !hasSecrets(plan)) userLine ??= await askForKey(terminal)
    const all = { asked, output, file, facts, present, plan, text, host, userLine }
    if (text === present.text) {
      const done = await alreadySetUp(all)
      if (done !== undefined) return done
    } else if (!present.isEmpty && !asked.replace) throw differs(all)
    tell(all)
    if (asked['dry-run']) return report(all, 'would change', { made: [] }, FAILED)
    if (terminal !== undefined && !(await terminal.ask('go on? yes or no', 'no', yesOrNo))) {
      output.err('nothing has changed\n')
      return FAILED
    }
    terminal?.close()
    return await perform(all)
  } finally {
    terminal?.close()
  }
}

/** A config that somebody else wrote is replaced only if that is asked for. */
function refuseForeign({ isEmpty, plan }: Present, { config, replace }: SetupArguments): void {
  if (isEmpty || plan !== undefined || replace) return
  throw new Failure(
    `${config} has doors that set-up did not write: nothing has changed`,
    'postern check and postern rehearse try it as it is; --replace keeps it beside a new one',
  )
}

function differs({ present, text, asked: { config } }: SetUp): Failure {
  const changes = differing(config, present.text, text)
  return new Failure(
    `${config} differs from what is asked for: nothing has changed\n${changes.trimEnd()}`,
    '--replace keeps it beside the new one',
  )
}

/** Draws from the system's random source, which nobody can predict. */
const draw: Draw = (min, max) => randomInt(min, max + 1)

/** Completes the choices with secrets. What the present config has stays as it is. */
function planOf(choices: Choices, present: Plan | undefined, { listening }: MachineFacts): Plan {
  const { secret, sequence, door, hidden } = choices
  const same = present?.secret === secret ? present : undefined
  const count = secret === 'totp' ? KNOCKS_BEFORE_CODE : KNOCKS
  const listens = (protocol: 6 | 17, port: number): boolean => listening[protocol].has(port)
  const drawn = (): Plan['knocks'] => drawSequence(count, hidden.map(formatService).join(), listens, draw)
  return {
    ...choices,
    knocks: secret === 'spa' ? [] : (sequence ?? same?.knocks ?? drawn()),
    path: same?.path ?? secretFileOf(secret, door),
    user: present === undefined ? daemonUser() : present.user,
  }
}

/** Returns the exit code if nothing has to be tried: all is set up, or only not started at boot. */
async function alreadySetUp(all: SetUp): Promise<number | undefined> {
  const { present, file, output } = all
  const { isRunning, isEnabled, service } = present
  if (!isRunning || !hasSecrets(all.plan) || (await faultOf(file.config)) !== undefined) return undefined
  if (all.asked['dry-run'])
    return report(all, isEnabled ? 'unchanged' : 'would change', { made: [] }, isEnabled ? DONE : FAILED)
  const secrets = await makeSecrets(all.plan, all.userLine)
  if (isEnabled) return report(all, 'unchanged', secrets, DONE)
  const failure = await service.enable()
  if (failure !== undefined) throw new Failure(`knockd does not start with this machine: ${failure}`)
  output.err('knockd now starts with this machine\n')
  return report(all, 'confirmed', secrets, DONE)
}

/** Says what will be done, before anything is done. */
function tell({ plan, text, asked, facts, present, output, file }: SetUp): void {
  const { firewalls } = facts
  const shown = text.split('\n').map((line) => (line === '' ? '' : `    ${line}`))
  output.err(`\n${file.config}:\n\n${shown.join('\n')}\n`)
  const other = firewalls.length === 0 ? 'none' : firewalls.join(', ')
  const start = `${present.isRunning ? 'restarts' : 'starts'} knockd ${present.service.how}`
  const lines = [
    `firewall: ${other}; its rules are not touched`,
    'next: checks this config, tries it on a copy of the firewall, writes it,',
    `  ${start}, on trial for ${asked['confirm-within'] / 1000} s: unless you confirm, all is taken back`,
    ...doubtsOf(plan, facts).map((doubt) => `warning: ${doubt}`),
  ]
  output.err(`${lines.join('\n')}\n\n`)
}

/** Makes the secrets, tries the config on a copy, and puts it on trial. Whatever fails leaves all as it was. */
async function perform(all: SetUp): Promise<number> {
  const { asked, file, text, present, output } = all
  const secrets = await makeSecrets(all.plan, all.userLine)
  let isBegun = false
  try {
    const code = await tryBefore(stage(file.config, text, all.plan), output)
    if (code !== DONE) return code
    const trial = await begin({
      file,
      service: present.service,
      text,
      before: present.text,
      made: secrets.made,
      trialMs: asked['confirm-within'],
    })
    isBegun = true
    output.err(await clientText(all.plan, all.host, secrets, process.stderr.isTTY))
    output.err(trialText(all, trial.remote))
    if (asked['no-wait']) return report(all, 'on trial', secrets, DONE)
    const typed = await awaitVerdict(trial, {
      read: () => file.read(),
      confirm: async () => await confirmConfig(file, output),
      takeBack: async () => {
        for (const remark of (await takeBack(trial.id, file)) ?? []) output.err(`${remark}\n`)
      },
    })
    const isKept =
      typed === undefined ? textOf(file.config) === text && (await faultOf(file.config)) === undefined : true
    if (isKept) return report(all, 'confirmed', secrets, typed ?? DONE)
    return report(all, 'taken back', { made: [] }, FAILED)
  } finally {
    if (!isBegun) {
      rmSync(stagedPath(file.config), { force: true })
      removeSecrets(secrets.made)
      if (file.read() === undefined) output.err('nothing has changed\n')
    }
  }
}

/** Checks a staged config and rehearses it. Returns the exit code. */
async function tryBefore(staged: string, output: Output): Promise<number> {
  const code = await check({ file: staged, strict: false, json: false }, { ...output, out: output.err })
  if (code !== DONE) return CONFIG_UNUSABLE
  const reading = examine(staged)
  if (reading.config === undefined) return CONFIG_UNUSABLE
  const terms = { file: staged, interfaces: [], doors: [], ports: new Map(), from: [], full: false, runAnyway: false }
  const { report: outcome, signal } = await rehearsed({ ...terms, json: false }, reading, reading.config, output)
  output.err(`\n${asText(outcome)}`)
  if (signal !== undefined) return SIGNALLED[signal]
  return outcome.findings.length === 0 && outcome.broken === undefined ? DONE : FAILED
}

function trialText({ asked, plan, present, file }: SetUp, isRemote: boolean): string {
  const ports = plan.hidden.map(formatService).join(', ')
  const config = asked.config === CONFIG_DEFAULT ? '' : ` -c ${file.config}`
  const how = isRemote
    ? 'to keep it, log in over a NEW connection, as above, and run there:'
    : 'to keep it, type yes, or run over a new connection:'
  return `${ports} is hidden, for ${asked['confirm-within'] / 1000} s, on trial; knockd runs ${present.service.how}
  ${how}

    sudo postern setup confirm${config}

`
}

/** Reports how set-up ended, and returns the exit code. */
function report(all: SetUp, state: State, secrets: Secrets, code: number): number {
  printReport({ ...all, state, secrets }, all.output)
  return code
}

function yesOrNo(text: string): boolean {
  const word = text.toLowerCase()
  if (['yes', 'y'].includes(word)) return true
  if (['no', 'n'].includes(word)) return false
  throw new UsageError('type yes or no')
}

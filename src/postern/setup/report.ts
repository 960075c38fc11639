import type { ConfigTrialFile } from '../../base/config-trial.ts'
import type { Output } from '../../cli/output.ts'
import { formatService } from '../../config/service.ts'
import { formatNetwork } from '../../packet/network.ts'
import type { SetupArguments } from './arguments.ts'
import type { Plan } from './choices.ts'
import { clientLine, knockWords } from './client-line.ts'
import type { Present } from './present.ts'
import type { Secrets } from './secrets.ts'

/** The end of a run. */
export type State = 'unchanged' | 'would change' | 'on trial' | 'confirmed' | 'taken back'

/** The last lines of each end. */
export const WORDS: Readonly<Record<State, string>> = {
  unchanged: 'nothing changed: this machine is set up so already',
  'would change': 'this would change; nothing has changed',
  'on trial': 'on trial: to keep it, confirm over a new connection',
  confirmed: 'confirmed: it stays',
  'taken back': 'not confirmed: all is taken back, and as it was before',
}

/** The material for the report. */
export interface Ended {
  readonly asked: SetupArguments
  readonly file: ConfigTrialFile
  readonly present: Present
  readonly plan: Plan
  readonly host: string
  readonly state: State
  readonly secrets: Secrets
}

/** Prints how a run ended: for people with the client's line at the end, or as JSON, which has the client's secrets. */
export function printReport(ended: Ended, output: Output): void {
  const { asked, state, plan, host, secrets } = ended
  if (asked.json) {
    output.out(jsonText(documentOf(ended)))
    return
  }
  output.err(`${WORDS[state]}\n`)
  if (state === 'confirmed' && ended.present.service.starter === 'none') {
    output.err('nothing starts knockd with this machine: examples/knockd.service is a unit for systemd\n')
  }
  if (state !== 'confirmed' && state !== 'unchanged') return
  output.out(`on the client:\n    ${clientLine(plan, host, secrets)}\n`)
}

function jsonText(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}

/** Formats the end of a trial that was confirmed or cancelled later, as JSON. */
export function endText(state: 'confirmed' | 'taken back', file: string): string {
  return jsonText({ changed: true, state, file })
}

function documentOf({ state, file, present, plan, host, secrets, asked }: Ended): object {
  const { uri, userSecret } = secrets
  const hasClient = state !== 'would change' && state !== 'taken back'
  return {
    changed: state !== 'unchanged' && state !== 'taken back',
    state,
    file: file.config,
    service: present.service.starter,
    door: plan.door,
    interfaces: plan.interfaces,
    hidden: plan.hidden.map(formatService),
    secret: plan.secret,
    secretFile: plan.path,
    alwaysAllow: plan.alwaysAllow.map(formatNetwork),
    confirmWithinS: state === 'on trial' ? asked['confirm-within'] / 1000 : undefined,
    // Before the secrets are made, and after they are removed, there is nothing to knock with.
    client: hasClient
      ? { host, knock: knockWords(plan, host, secrets), line: clientLine(plan, host, secrets), uri, userSecret }
      : undefined,
  }
}

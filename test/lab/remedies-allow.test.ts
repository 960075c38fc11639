// Goal: that of remedies.test.ts, for the remedies by which the machine's own firewall lets a port in.
import { tryAll } from './remedy-trial.ts'
import { ALLOWING } from './remedy-trials.ts'

tryAll(ALLOWING)

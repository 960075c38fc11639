'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.createFROST = createFROST
const utils_js_1 = require('@noble/hashes/utils.js')
const utils_js_2 = require('../utils.js')
const curve_js_1 = require('./curve.js')
const fft_js_1 = require('./fft.js')
const hash_to_curve_js_1 = require('./hash-to-curve.js')
const modular_js_1 = require('./modular.js')
const validateSigners = (signers, title = 'signers') => {
  ;(0, utils_js_2.validateObject)(signers, { min: 'number', max: 'number' }, {}, title)
  ;(0, utils_js_2.asafenumber)(signers.min, title + '.min')
  ;(0, utils_js_2.asafenumber)(signers.max, title + '.max')
  if (signers.min < 2 || signers.max < 2 || signers.min > signers.max)
    throw new Error('Wrong signers info: min=' + signers.min + ' max=' + signers.max)
}
const validateCommitmentsNum = (signers, len) => {
  if (len < signers.min || len > signers.max) throw new Error('Wrong number of commitments=' + len)
}
class AggErr extends Error {
  cheaters
  constructor(msg, cheaters) {
    super(msg)
    this.cheaters = cheaters
  }
}
function createFROST(opts) {
  ;(0, utils_js_2.validateObject)(
    opts,
    {
      name: 'string',
      hash: 'function',
    },
    {
      hashToScalar: 'function',
      validatePoint: 'function',
      parsePublicKey: 'function',
      adjustScalar: 'function',
      adjustPoint: 'function',
      challenge: 'function',
      adjustNonces: 'function',
      adjustSecret: 'function',
      adjustPublic: 'function',
      adjustGroupCommitmentShare: 'function',
      adjustTx: 'object',
      adjustDKG: 'function',
    },
  )
  ;(0, curve_js_1.validatePointCons)(opts.Point)
  const {
    Point,
    validatePoint,
    parsePublicKey,
    adjustScalar,
    adjustPoint: adjustPointHook,
    challenge,
    adjustNonces,
    adjustSecret,
    adjustPublic,
    adjustGroupCommitmentShare,
    adjustDKG,
  } = opts
  const Fn = opts.Fn === undefined ? Point.Fn : opts.Fn
  const adjustTx =
    opts.adjustTx === undefined ? undefined : { encode: opts.adjustTx.encode, decode: opts.adjustTx.decode }
  if (adjustTx) (0, utils_js_2.validateObject)(adjustTx, { encode: 'function', decode: 'function' })
  const hashBytes = opts.hash
  const hashToScalar =
    opts.hashToScalar === undefined
      ? (msg, opts = { DST: new Uint8Array() }) => {
          const t = hashBytes((0, utils_js_2.concatBytes)(opts.DST, msg))
          return Fn.create(Fn.isLE ? (0, utils_js_2.bytesToNumberLE)(t) : (0, utils_js_2.bytesToNumberBE)(t))
        }
      : opts.hashToScalar
  const H1Prefix = (0, utils_js_1.utf8ToBytes)(opts.H1 !== undefined ? opts.H1 : opts.name + 'rho')
  const H2Prefix = (0, utils_js_1.utf8ToBytes)(opts.H2 !== undefined ? opts.H2 : opts.name + 'chal')
  const H3Prefix = (0, utils_js_1.utf8ToBytes)(opts.H3 !== undefined ? opts.H3 : opts.name + 'nonce')
  const H4Prefix = (0, utils_js_1.utf8ToBytes)(opts.H4 !== undefined ? opts.H4 : opts.name + 'msg')
  const H5Prefix = (0, utils_js_1.utf8ToBytes)(opts.H5 !== undefined ? opts.H5 : opts.name + 'com')
  const HDKGPrefix = (0, utils_js_1.utf8ToBytes)(opts.HDKG !== undefined ? opts.HDKG : opts.name + 'dkg')
  const HIDPrefix = (0, utils_js_1.utf8ToBytes)(opts.HID !== undefined ? opts.HID : opts.name + 'id')
  const H1 = (msg) => hashToScalar(msg, { DST: H1Prefix })
  const H2 = (msg) => hashToScalar(msg, { DST: H2Prefix })
  const H3 = (msg) => hashToScalar(msg, { DST: H3Prefix })
  const H4 = (msg) => hashBytes((0, utils_js_2.concatBytes)(H4Prefix, msg))
  const H5 = (msg) => hashBytes((0, utils_js_2.concatBytes)(H5Prefix, msg))
  const HDKG = (msg) => hashToScalar(msg, { DST: HDKGPrefix })
  const HID = (msg) => hashToScalar(msg, { DST: HIDPrefix })
  const randomScalar = (rng = utils_js_2.randomBytes) => {
    if (typeof rng !== 'function') throw new TypeError('"rng" expected function, got type=' + typeof rng)
    const t = (0, modular_js_1.mapHashToField)(rng((0, modular_js_1.getMinHashLength)(Fn.ORDER)), Fn.ORDER, Fn.isLE)
    return Fn.isLE ? (0, utils_js_2.bytesToNumberLE)(t) : (0, utils_js_2.bytesToNumberBE)(t)
  }
  const serializePoint = (p) => p.toBytes()
  const validatePublicPoint = (p) => {
    p.assertValidity()
    if (p.is0()) throw new Error('invalid point: identity')
    if (!p.isTorsionFree()) throw new Error('bad point: not in prime-order subgroup')
    if (validatePoint) validatePoint(p)
    return p
  }
  const parsePoint = (bytes) => validatePublicPoint(Point.fromBytes(bytes))
  const nonceCommitments = (identifier, nonces) => ({
    identifier,
    hiding: serializePoint(Point.BASE.multiply(Fn.fromBytes(nonces.hiding))),
    binding: serializePoint(Point.BASE.multiply(Fn.fromBytes(nonces.binding))),
  })
  const adjustPoint = adjustPointHook === undefined ? (n) => n : adjustPointHook
  const validateIdentifier = (n) => {
    if (!Fn.isValid(n) || Fn.is0(n)) throw new Error('Invalid identifier ' + n)
    return n
  }
  const serializeIdentifier = (id) => (0, utils_js_2.bytesToHex)(Fn.toBytes(validateIdentifier(id)))
  const parseIdentifier = (id, title = 'identifier') => {
    ;(0, utils_js_2.astring)(id, title)
    const n = validateIdentifier(Fn.fromBytes((0, utils_js_2.hexToBytes)(id)))
    if (serializeIdentifier(n) !== id) throw new Error('expected canonical identifier hex')
    return n
  }
  const copyRound1Package = (p) => ({
    identifier: serializeIdentifier(parseIdentifier(p.identifier)),
    commitment: p.commitment.map((c) => (0, utils_js_2.copyBytes)(c)),
    proofOfKnowledge: (0, utils_js_2.copyBytes)(p.proofOfKnowledge),
  })
  const canonicalRound1Packages = (packages) => {
    const snapshot = packages.map(copyRound1Package)
    snapshot.sort((a, b) => {
      const ai = parseIdentifier(a.identifier)
      const bi = parseIdentifier(b.identifier)
      return ai < bi ? -1 : ai > bi ? 1 : 0
    })
    return snapshot
  }
  const equalRound1Transcripts = (a, b) => {
    if (a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) {
      const p = a[i]
      const q = b[i]
      if (p.identifier !== q.identifier || p.commitment.length !== q.commitment.length) return false
      for (let j = 0; j < p.commitment.length; j++) {
        if (!(0, utils_js_2.equalBytes)(p.commitment[j], q.commitment[j])) return false
      }
      if (!(0, utils_js_2.equalBytes)(p.proofOfKnowledge, q.proofOfKnowledge)) return false
    }
    return true
  }
  const Signature = {
    encode: (R, z) => {
      let res = (0, utils_js_2.concatBytes)(serializePoint(R), Fn.toBytes(z))
      if (adjustTx) res = adjustTx.encode(res)
      return res
    },
    decode: (sig) => {
      if (adjustTx) sig = adjustTx.decode(sig)
      const Rbytes = sig.subarray(0, -Fn.BYTES)
      const R = parsePoint(Rbytes)
      if (serializePoint(R).length !== Rbytes.length) throw new Error('invalid signature encoding')
      const z = Fn.fromBytes(sig.subarray(-Fn.BYTES))
      return { R, z }
    },
  }
  const genPointScalarPair = (rng = utils_js_2.randomBytes) => {
    let n = randomScalar(rng)
    if (adjustScalar) n = adjustScalar(n)
    let p = Point.BASE.multiply(n)
    return { scalar: n, point: p }
  }
  const nrErr = 'roots are unavailable in FROST polynomial mode'
  const noRoots = {
    info: { G: Fn.ZERO, oddFactor: Fn.ZERO, powerOfTwo: 0 },
    roots() {
      throw new Error(nrErr)
    },
    brp() {
      throw new Error(nrErr)
    },
    inverse() {
      throw new Error(nrErr)
    },
    omega() {
      throw new Error(nrErr)
    },
    clear() {},
  }
  const Poly = (0, fft_js_1.poly)(Fn, noRoots)
  const msm = (points, scalars) => (0, curve_js_1.mulAddUnsafe)(Point, points, scalars)
  const polynomialEvaluate = (x, coeffs) => {
    if (!coeffs.length) throw new Error('empty coefficients')
    return Poly.monomial.eval(coeffs, x)
  }
  const deriveInterpolatingValue = (L, xi) => {
    const err = 'invalid parameters'
    if (!L.some((x) => Fn.eql(x, xi))) throw new Error(err)
    const Lset = new Set(L)
    if (Lset.size !== L.length) throw new Error(err)
    if (!Lset.has(xi)) throw new Error(err)
    let num = Fn.ONE
    let den = Fn.ONE
    for (const x of L) {
      if (Fn.eql(x, xi)) continue
      num = Fn.mul(num, x)
      den = Fn.mul(den, Fn.sub(x, xi))
    }
    return Fn.div(num, den)
  }
  const evalutateVSS = (identifier, commitment) => {
    const monomial = Poly.monomial.basis(identifier, commitment.length)
    return msm(commitment, monomial)
  }
  const generateSecretPolynomial = (signers, secret, coeffs, rng = utils_js_2.randomBytes) => {
    validateSigners(signers)
    if (secret !== undefined) (0, utils_js_2.abytes)(secret, Fn.BYTES, 'secret')
    if (coeffs !== undefined) (0, utils_js_2.aarray)(coeffs, 'coeffs')
    if (typeof rng !== 'function') throw new TypeError('"rng" expected function, got type=' + typeof rng)
    const secretScalar = secret === undefined ? randomScalar(rng) : Fn.fromBytes(secret)
    if (!coeffs) {
      coeffs = []
      for (let i = 0; i < signers.min - 1; i++) coeffs.push(randomScalar(rng))
    }
    if (coeffs.length !== signers.min - 1) throw new Error('wrong coefficients length')
    const coefficients = [secretScalar, ...coeffs]
    const commitment = coefficients.map((i) => Point.BASE.multiply(i))
    return { coefficients, commitment, secret: secretScalar }
  }
  const ProofOfKnowledge = {
    challenge: (id, verKey, R) =>
      HDKG((0, utils_js_2.concatBytes)(Fn.toBytes(id), serializePoint(verKey), serializePoint(R))),
    compute(id, coefficents, commitments, rng = utils_js_2.randomBytes) {
      if (coefficents.length < 1) throw new Error('coefficients should have at least one element')
      const { point: R, scalar: k } = genPointScalarPair(rng)
      const verKey = commitments[0]
      const c = this.challenge(id, verKey, R)
      const mu = Fn.add(k, Fn.mul(coefficents[0], c))
      return Signature.encode(R, mu)
    },
    validate(id, commitment, proof) {
      if (commitment.length < 1) throw new Error('commitment should have at least one element')
      const { R, z } = Signature.decode(proof)
      const phi = parsePoint(commitment[0])
      const c = this.challenge(id, phi, R)
      if (!R.equals(Point.BASE.multiplyUnsafe(z).subtract(phi.multiplyUnsafe(c))))
        throw new Error('invalid proof of knowledge')
    },
  }
  const Basic = {
    challenge: (R, PK, msg) => {
      if (challenge) return challenge(R, PK, msg)
      return H2((0, utils_js_2.concatBytes)(serializePoint(R), serializePoint(PK), msg))
    },
    sign(msg, sk, rng = utils_js_2.randomBytes) {
      const { point: R, scalar: r } = genPointScalarPair(rng)
      const PK = Point.BASE.multiply(sk)
      const c = this.challenge(R, PK, msg)
      const z = Fn.add(r, Fn.mul(c, sk))
      return [R, z]
    },
    verify(msg, R, z, PK) {
      if (adjustPointHook) PK = adjustPointHook(PK)
      if (adjustPointHook) R = adjustPointHook(R)
      const c = this.challenge(R, PK, msg)
      const zB = Point.BASE.multiplyUnsafe(z)
      const cA = PK.multiplyUnsafe(c)
      let check = zB.subtract(cA).subtract(R)
      if (check.clearCofactor) check = check.clearCofactor()
      return Point.ZERO.equals(check)
    },
  }
  const validateSecretShare = (identifier, commitment, signingShare) => {
    if (!Point.BASE.multiply(signingShare).equals(evalutateVSS(identifier, commitment)))
      throw new Error('invalid secret share')
  }
  const Identifier = {
    fromNumber(n) {
      if (!Number.isSafeInteger(n)) throw new Error('expected safe interger')
      return serializeIdentifier(BigInt(n))
    },
    derive(s) {
      ;(0, utils_js_2.astring)(s, 's')
      return serializeIdentifier(HID((0, utils_js_1.utf8ToBytes)(s)))
    },
  }
  const generateNonce = (secret, rng = utils_js_2.randomBytes) =>
    H3((0, utils_js_2.concatBytes)(rng(32), Fn.toBytes(secret)))
  const getGroupCommitment = (GPK, commitmentList, msg) => {
    const CL = commitmentList.map((i) => [
      i.identifier,
      parseIdentifier(i.identifier),
      parsePoint(i.hiding),
      parsePoint(i.binding),
    ])
    CL.sort((a, b) => (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0))
    const Cbytes = []
    for (const [_, id, hC, bC] of CL) Cbytes.push(Fn.toBytes(id), serializePoint(hC), serializePoint(bC))
    const encodedCommitmentHash = H5((0, utils_js_2.concatBytes)(...Cbytes))
    const rhoPrefix = (0, utils_js_2.concatBytes)(serializePoint(GPK), H4(msg), encodedCommitmentHash)
    const bindingFactors = {}
    for (const [i, id] of CL) {
      bindingFactors[i] = H1((0, utils_js_2.concatBytes)(rhoPrefix, Fn.toBytes(id)))
    }
    let hidingSum = Point.ZERO
    const points = []
    const scalars = []
    for (const [i, _, hC, bC] of CL) {
      if (Point.ZERO.equals(hC) || Point.ZERO.equals(bC)) throw new Error('infinity commitment')
      hidingSum = hidingSum.add(hC)
      points.push(bC)
      scalars.push(bindingFactors[i])
    }
    const groupCommitment = hidingSum.add(msm(points, scalars))
    const identifiers = CL.map((i) => i[1])
    return { identifiers, groupCommitment, bindingFactors }
  }
  const prepareShare = (PK, commitmentList, msg, identifier) => {
    const GPK = adjustPoint(parsePoint(PK))
    const id = parseIdentifier(identifier)
    const { identifiers, groupCommitment, bindingFactors } = getGroupCommitment(GPK, commitmentList, msg)
    const bindingFactor = bindingFactors[identifier]
    const lambda = deriveInterpolatingValue(identifiers, id)
    const challenge = Basic.challenge(groupCommitment, GPK, msg)
    return { lambda, challenge, bindingFactor, groupCommitment }
  }
  Object.freeze(Identifier)
  const frost = {
    Identifier,
    DKG: Object.freeze({
      round1: (id, signers, secret, rng = utils_js_2.randomBytes) => {
        const idNum = parseIdentifier(id, 'id')
        validateSigners(signers)
        const { coefficients, commitment } = generateSecretPolynomial(signers, secret, undefined, rng)
        const proofOfKnowledge = ProofOfKnowledge.compute(idNum, coefficients, commitment, rng)
        const commitmentBytes = commitment.map(serializePoint)
        const round1Public = {
          identifier: serializeIdentifier(idNum),
          commitment: commitmentBytes,
          proofOfKnowledge,
        }
        const round1Secret = {
          identifier: idNum,
          coefficients,
          commitment: commitment.map(serializePoint),
          signers: { min: signers.min, max: signers.max },
          step: 1,
        }
        return { public: round1Public, secret: round1Secret }
      },
      round2: (secret, others) => {
        ;(0, utils_js_2.validateObject)(
          secret,
          { identifier: 'bigint', commitment: 'object', signers: 'object' },
          { coefficients: 'object', round1Cache: 'object', round2Cache: 'object', step: 'number' },
          'secret',
        )
        validateSigners(secret.signers, 'secret.signers')
        ;(0, utils_js_2.aarray)(others, 'others')
        if (others.length !== secret.signers.max - 1) throw new Error('wrong number of round1 packages')
        if (!secret.coefficients || secret.step === 3) throw new Error('round3 package used in round2')
        const authenticatedRound1 = canonicalRound1Packages(others)
        if (secret.round2Cache !== undefined) {
          if (secret.round1Cache === undefined || !equalRound1Transcripts(secret.round1Cache, authenticatedRound1))
            throw new Error('round1 packages do not match authenticated transcript')
          return secret.round2Cache
        }
        const res = {}
        for (const p of authenticatedRound1) {
          if (p.commitment.length !== secret.signers.min) throw new Error('wrong number of commitments')
          const id = parseIdentifier(p.identifier)
          if (id === secret.identifier) throw new Error('duplicate id=' + serializeIdentifier(id))
          ProofOfKnowledge.validate(id, p.commitment, p.proofOfKnowledge)
          for (const c of p.commitment) parsePoint(c)
          if (res[p.identifier]) throw new Error('Duplicate id=' + id)
          const signingShare = Fn.toBytes(polynomialEvaluate(id, secret.coefficients))
          res[p.identifier] = {
            identifier: serializeIdentifier(secret.identifier),
            signingShare: signingShare,
          }
        }
        secret.round1Cache = authenticatedRound1
        secret.round2Cache = res
        secret.step = 2
        return res
      },
      round3: (secret, round1, round2) => {
        ;(0, utils_js_2.validateObject)(
          secret,
          { identifier: 'bigint', commitment: 'object', signers: 'object' },
          { coefficients: 'object', round1Cache: 'object', round2Cache: 'object', step: 'number' },
          'secret',
        )
        validateSigners(secret.signers, 'secret.signers')
        ;(0, utils_js_2.aarray)(round1, 'round1')
        ;(0, utils_js_2.aarray)(round2, 'round2')
        if (round1.length !== secret.signers.max - 1) throw new Error('wrong length of round1 packages')
        if (!secret.coefficients || secret.step !== 2 || !secret.round1Cache)
          throw new Error('round2 package used in round3')
        const suppliedRound1 = canonicalRound1Packages(round1)
        const authenticatedRound1 = secret.round1Cache
        if (!equalRound1Transcripts(authenticatedRound1, suppliedRound1))
          throw new Error('round1 packages do not match authenticated transcript')
        if (round2.length !== authenticatedRound1.length) throw new Error('wrong length of round2 packages')
        const merged = {}
        for (const r1 of authenticatedRound1) {
          if (!r1.identifier || !r1.commitment) throw new Error('wrong round1 share')
          merged[r1.identifier] = { ...r1 }
        }
        for (const r2 of round2) {
          if (!r2.identifier || !r2.signingShare) throw new Error('wrong round2 share')
          if (!merged[r2.identifier]) throw new Error('round1 share for ' + r2.identifier + ' is missing')
          merged[r2.identifier].signingShare = r2.signingShare
        }
        if (Object.keys(merged).length !== authenticatedRound1.length)
          throw new Error('mismatch identifiers between rounds')
        let signingShare = Fn.ZERO
        if (secret.commitment.length !== secret.signers.min) throw new Error('wrong commitments length')
        const localCommitment = secret.commitment.map(parsePoint)
        const localShare = polynomialEvaluate(secret.identifier, secret.coefficients)
        validateSecretShare(secret.identifier, localCommitment, localShare)
        const localCommitmentBytes = localCommitment.map(serializePoint)
        const commitments = {
          [serializeIdentifier(secret.identifier)]: localCommitmentBytes,
        }
        for (const k in merged) {
          const v = merged[k]
          if (!v.signingShare || !v.commitment) throw new Error('mismatch identifiers')
          const id = parseIdentifier(k)
          const signingSharePart = Fn.fromBytes(v.signingShare)
          const commitment = v.commitment.map(parsePoint)
          validateSecretShare(secret.identifier, commitment, signingSharePart)
          signingShare = Fn.add(signingShare, signingSharePart)
          const idSer = serializeIdentifier(id)
          if (commitments[idSer]) throw new Error('duplicated id=' + idSer)
          commitments[idSer] = v.commitment
        }
        signingShare = Fn.add(signingShare, localShare)
        const mergedCommitment = new Array(secret.signers.min).fill(Point.ZERO)
        for (const k in commitments) {
          const v = commitments[k]
          if (v.length !== secret.signers.min) throw new Error('wrong commitments length')
          for (let i = 0; i < v.length; i++) mergedCommitment[i] = mergedCommitment[i].add(parsePoint(v[i]))
        }
        const mergedCommitmentBytes = mergedCommitment.map(serializePoint)
        const verifyingShares = {}
        for (const k in commitments)
          verifyingShares[k] = serializePoint(evalutateVSS(parseIdentifier(k), mergedCommitment))
        let res = {
          public: {
            signers: { min: secret.signers.min, max: secret.signers.max },
            commitments: mergedCommitmentBytes,
            verifyingShares: Object.fromEntries(Object.entries(verifyingShares).map(([k, v]) => [k, v.slice()])),
          },
          secret: {
            identifier: serializeIdentifier(secret.identifier),
            signingShare: Fn.toBytes(signingShare),
          },
        }
        if (adjustDKG) res = adjustDKG(res)
        for (let i = 0; i < secret.coefficients.length; i++) secret.coefficients[i] -= secret.coefficients[i]
        delete secret.coefficients
        delete secret.round1Cache
        delete secret.round2Cache
        secret.step = 3
        return res
      },
      clean(secret) {
        ;(0, utils_js_2.validateObject)(
          secret,
          { identifier: 'bigint', commitment: 'object', signers: 'object' },
          { coefficients: 'object', round1Cache: 'object', round2Cache: 'object', step: 'number' },
          'secret',
        )
        secret.identifier -= secret.identifier
        if (secret.coefficients) {
          for (let i = 0; i < secret.coefficients.length; i++) secret.coefficients[i] -= secret.coefficients[i]
        }
        delete secret.round1Cache
        delete secret.round2Cache
        secret.step = 3
      },
    }),
    trustedDealer(signers, identifiers, secret, rng = utils_js_2.randomBytes) {
      validateSigners(signers)
      if (identifiers === undefined) {
        identifiers = []
        for (let i = 1; i <= signers.max; i++) identifiers.push(Identifier.fromNumber(i))
      } else {
        ;(0, utils_js_2.aarray)(identifiers, 'identifiers')
        if (identifiers.length !== signers.max) throw new Error('identifiers should be array of ' + signers.max)
      }
      const identifierNums = {}
      for (const id of identifiers) {
        const idNum = parseIdentifier(id)
        if (id in identifierNums) throw new Error('duplicated id=' + id)
        identifierNums[id] = idNum
      }
      const sp = generateSecretPolynomial(signers, secret, undefined, rng)
      const commitmentBytes = sp.commitment.map(serializePoint)
      const secretShares = {}
      const verifyingShares = {}
      for (const id of identifiers) {
        const signingShare = polynomialEvaluate(identifierNums[id], sp.coefficients)
        verifyingShares[id] = serializePoint(Point.BASE.multiply(signingShare))
        secretShares[id] = {
          identifier: id,
          signingShare: Fn.toBytes(signingShare),
        }
      }
      return {
        public: {
          signers: { min: signers.min, max: signers.max },
          commitments: commitmentBytes,
          verifyingShares,
        },
        secretShares,
      }
    },
    validateSecret(secret, pub) {
      ;(0, utils_js_2.validateObject)(secret, { identifier: 'string', signingShare: 'object' }, {}, 'secret')
      ;(0, utils_js_2.abytes)(secret.signingShare, Fn.BYTES, 'secret.signingShare')
      ;(0, utils_js_2.validateObject)(
        pub,
        {
          signers: 'object',
          commitments: 'object',
          verifyingShares: 'object',
        },
        {},
        'pub',
      )
      validateSigners(pub.signers, 'pub.signers')
      ;(0, utils_js_2.aarray)(pub.commitments, 'pub.commitments')
      const id = parseIdentifier(secret.identifier)
      const commitment = pub.commitments.map(parsePoint)
      const signingShare = Fn.fromBytes(secret.signingShare)
      validateSecretShare(id, commitment, signingShare)
    },
    commit(secret, rng = utils_js_2.randomBytes) {
      ;(0, utils_js_2.validateObject)(secret, { identifier: 'string', signingShare: 'object' }, {}, 'secret')
      ;(0, utils_js_2.abytes)(secret.signingShare, Fn.BYTES, 'secret.signingShare')
      if (typeof rng !== 'function') throw new TypeError('"rng" expected function, got type=' + typeof rng)
      const secretScalar = Fn.fromBytes(secret.signingShare)
      const hiding = generateNonce(secretScalar, rng)
      const binding = generateNonce(secretScalar, rng)
      const nonces = { hiding: Fn.toBytes(hiding), binding: Fn.toBytes(binding) }
      return { nonces, commitments: nonceCommitments(secret.identifier, nonces) }
    },
    signShare(secret, pub, nonces, commitmentList, msg) {
      ;(0, utils_js_2.validateObject)(secret, { identifier: 'string', signingShare: 'object' }, {}, 'secret')
      ;(0, utils_js_2.abytes)(secret.signingShare, Fn.BYTES, 'secret.signingShare')
      ;(0, utils_js_2.validateObject)(
        pub,
        {
          signers: 'object',
          commitments: 'object',
          verifyingShares: 'object',
        },
        {},
        'pub',
      )
      validateSigners(pub.signers, 'pub.signers')
      ;(0, utils_js_2.aarray)(pub.commitments, 'pub.commitments')
      ;(0, utils_js_2.validateObject)(nonces, { hiding: 'object', binding: 'object' }, {}, 'nonces')
      ;(0, utils_js_2.abytes)(nonces.hiding, Fn.BYTES, 'nonces.hiding')
      ;(0, utils_js_2.abytes)(nonces.binding, Fn.BYTES, 'nonces.binding')
      ;(0, utils_js_2.aarray)(commitmentList, 'commitmentList')
      ;(0, utils_js_2.abytes)(msg, undefined, 'msg')
      validateCommitmentsNum(pub.signers, commitmentList.length)
      const hidingNonce0 = Fn.fromBytes(nonces.hiding)
      const bindingNonce0 = Fn.fromBytes(nonces.binding)
      if (Fn.is0(hidingNonce0) || Fn.is0(bindingNonce0)) throw new Error('signing nonces already used')
      const expectedCommitment = {
        identifier: secret.identifier,
        hiding: serializePoint(Point.BASE.multiply(hidingNonce0)),
        binding: serializePoint(Point.BASE.multiply(bindingNonce0)),
      }
      const commitment = commitmentList.find((i) => i.identifier === secret.identifier)
      if (!commitment) throw new Error('missing signer commitment')
      if (
        (0, utils_js_2.bytesToHex)(commitment.hiding) !== (0, utils_js_2.bytesToHex)(expectedCommitment.hiding) ||
        (0, utils_js_2.bytesToHex)(commitment.binding) !== (0, utils_js_2.bytesToHex)(expectedCommitment.binding)
      )
        throw new Error('incorrect signer commitment')
      if (adjustSecret) secret = adjustSecret(secret, pub)
      if (adjustPublic) pub = adjustPublic(pub)
      const SK = Fn.fromBytes(secret.signingShare)
      const { lambda, challenge, bindingFactor, groupCommitment } = prepareShare(
        pub.commitments[0],
        commitmentList,
        msg,
        secret.identifier,
      )
      const N = adjustNonces ? adjustNonces(groupCommitment, nonces) : nonces
      const hidingNonce = adjustNonces ? Fn.fromBytes(N.hiding) : hidingNonce0
      const bindingNonce = adjustNonces ? Fn.fromBytes(N.binding) : bindingNonce0
      const t = Fn.mul(Fn.mul(lambda, SK), challenge)
      const t2 = Fn.mul(bindingNonce, bindingFactor)
      const r = Fn.toBytes(Fn.add(Fn.add(hidingNonce, t2), t))
      nonces.hiding.fill(0)
      nonces.binding.fill(0)
      return r
    },
    verifyShare(pub, commitmentList, msg, identifier, sigShare) {
      ;(0, utils_js_2.validateObject)(
        pub,
        {
          signers: 'object',
          commitments: 'object',
          verifyingShares: 'object',
        },
        {},
        'pub',
      )
      validateSigners(pub.signers, 'pub.signers')
      ;(0, utils_js_2.aarray)(pub.commitments, 'pub.commitments')
      ;(0, utils_js_2.aarray)(commitmentList, 'commitmentList')
      ;(0, utils_js_2.abytes)(msg, undefined, 'msg')
      parseIdentifier(identifier)
      ;(0, utils_js_2.abytes)(sigShare, Fn.BYTES, 'sigShare')
      if (adjustPublic) pub = adjustPublic(pub)
      const comm = commitmentList.find((i) => i.identifier === identifier)
      if (!comm) throw new Error('cannot find identifier commitment')
      const PK = parsePoint(pub.verifyingShares[identifier])
      const hidingNonceCommitment = parsePoint(comm.hiding)
      const bindingNonceCommitment = parsePoint(comm.binding)
      const { lambda, challenge, bindingFactor, groupCommitment } = prepareShare(
        pub.commitments[0],
        commitmentList,
        msg,
        identifier,
      )
      let commShare = hidingNonceCommitment.add(bindingNonceCommitment.multiplyUnsafe(bindingFactor))
      if (adjustGroupCommitmentShare) commShare = adjustGroupCommitmentShare(groupCommitment, commShare)
      const l = Point.BASE.multiplyUnsafe(Fn.fromBytes(sigShare))
      const r = commShare.add(PK.multiplyUnsafe(Fn.mul(challenge, lambda)))
      return l.equals(r)
    },
    aggregate(pub, commitmentList, msg, sigShares) {
      ;(0, utils_js_2.validateObject)(
        pub,
        {
          signers: 'object',
          commitments: 'object',
          verifyingShares: 'object',
        },
        {},
        'pub',
      )
      validateSigners(pub.signers, 'pub.signers')
      ;(0, utils_js_2.aarray)(pub.commitments, 'pub.commitments')
      ;(0, utils_js_2.aarray)(commitmentList, 'commitmentList')
      ;(0, utils_js_2.abytes)(msg, undefined, 'msg')
      ;(0, utils_js_2.validateObject)(sigShares, {}, {}, 'sigShares')
      const rawPub = pub
      if (adjustPublic) pub = adjustPublic(pub)
      try {
        validateCommitmentsNum(pub.signers, commitmentList.length)
      } catch {
        throw new AggErr('aggregation failed', [])
      }
      const ids = commitmentList.map((i) => i.identifier)
      const seen = new Set()
      for (const id of ids) {
        if (seen.has(id)) throw new AggErr('aggregation failed', [])
        seen.add(id)
      }
      if (ids.length !== Object.keys(sigShares).length) throw new AggErr('aggregation failed', [])
      for (const id of ids) {
        if (!(id in sigShares) || !(id in pub.verifyingShares)) throw new AggErr('aggregation failed', [])
      }
      const GPK = parsePoint(pub.commitments[0])
      const { groupCommitment } = getGroupCommitment(GPK, commitmentList, msg)
      let z = Fn.ZERO
      for (const id of ids) z = Fn.add(z, Fn.fromBytes(sigShares[id]))
      if (!Basic.verify(msg, groupCommitment, z, GPK)) {
        const cheaters = []
        for (const id of ids) {
          if (!this.verifyShare(rawPub, commitmentList, msg, id, sigShares[id])) cheaters.push(id)
        }
        throw new AggErr('aggregation failed', cheaters)
      }
      return Signature.encode(groupCommitment, z)
    },
    sign(msg, secretKey) {
      let sk = Fn.fromBytes(secretKey)
      if (adjustScalar) sk = adjustScalar(sk)
      const [R, z] = Basic.sign(msg, sk)
      return Signature.encode(R, z)
    },
    verify(sig, msg, publicKey) {
      const PK = parsePublicKey ? validatePublicPoint(parsePublicKey(publicKey)) : parsePoint(publicKey)
      const { R, z } = Signature.decode(sig)
      return Basic.verify(msg, R, z, PK)
    },
    combineSecret(shares, signers) {
      ;(0, utils_js_2.aarray)(shares, 'shares')
      validateSigners(signers)
      if (shares.length < signers.min || shares.length > signers.max) throw new Error('wrong secret shares array')
      const points = []
      const seen = {}
      for (const s of shares) {
        const idNum = parseIdentifier(s.identifier)
        const id = serializeIdentifier(idNum)
        if (seen[id]) throw new Error('duplicated id=' + id)
        seen[id] = true
        points.push([idNum, Fn.fromBytes(s.signingShare)])
      }
      const xCoords = points.map(([x]) => x)
      let res = Fn.ZERO
      for (const [x, y] of points) res = Fn.add(res, Fn.mul(y, deriveInterpolatingValue(xCoords, x)))
      return Fn.toBytes(res)
    },
    utils: Object.freeze({
      Fn,
      randomScalar: (rng = utils_js_2.randomBytes) => Fn.toBytes(genPointScalarPair(rng).scalar),
      generateSecretPolynomial: (signers, secret, coeffs, rng) => {
        const res = generateSecretPolynomial(signers, secret, coeffs, rng)
        return { ...res, commitment: res.commitment.map(serializePoint) }
      },
    }),
  }
  return Object.freeze(frost)
}

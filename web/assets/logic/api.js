// api.js - calls of the API: the token on each of them, problems as errors, one place that hears of a 401.

export class Failure extends Error {
  constructor(status, problem, message) {
    super(message)
    this.status = status // 0: no answer came
    this.problem = problem
  }

  // maybe() tells whether what was asked for may have happened all the same.
  get maybe() {
    return this.status === 0 || this.status >= 500
  }

  // at() is what is wrong with a field, or undefined.
  at(pointer) {
    return this.problem?.errors?.find((e) => e.pointer === pointer)?.detail
  }
}

async function failureOf(answer) {
  let problem = null
  try {
    problem = await answer.json()
  } catch {
    // a proxy's page, say
  }
  const message = problem?.detail ?? problem?.title ?? problem?.error_description ?? `HTTP ${answer.status}`
  return new Failure(answer.status, problem, message)
}

export class Api {
  #token = null

  // fetch, and what keeps the token while the page is reloaded: {get(), set(token, scope), clear()}.
  constructor({ fetch, keep, onUnauthorized }) {
    this.fetch = fetch
    this.keep = keep
    this.onUnauthorized = onUnauthorized
    this.#token = keep.get()
  }

  get hasToken() {
    return this.#token !== null
  }

  async #ask(method, path, { body, headers, signal, type = 'application/json', as = 'json' } = {}) {
    const all = { Accept: as === 'json' ? 'application/json' : 'text/plain', ...headers }
    if (body !== undefined) all['Content-Type'] = type
    if (this.#token) all.Authorization = `Bearer ${this.#token}`
    let answer
    try {
      answer = await this.fetch(path, {
        method,
        headers: all,
        body,
        signal,
        cache: 'no-store',
        credentials: 'omit'
      })
    } catch (error) {
      if (error.name === 'AbortError') throw error
      throw new Failure(0, null, 'no answer from the server')
    }
    if (!answer.ok) {
      if (answer.status === 401 && path !== '/oauth/token') this.onUnauthorized()
      throw await failureOf(answer)
    }
    return as === 'json' ? answer.json() : answer.text()
  }

  get(path, options) {
    return this.#ask('GET', path, options)
  }

  text(path, options) {
    return this.#ask('GET', path, { ...options, as: 'text' })
  }

  send(method, path, body, headers) {
    return this.#ask(method, path, { body: body === undefined ? undefined : JSON.stringify(body), headers })
  }

  // login() has the token from here on; it never comes into a URL.
  async login(id, secret) {
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret })
    const answer = await this.#ask('POST', '/oauth/token', {
      body: form.toString(),
      type: 'application/x-www-form-urlencoded'
    })
    this.#token = answer.access_token
    this.keep.set(this.#token, answer.scope)
    return answer
  }

  logout() {
    this.#token = null
    this.keep.clear()
  }
}

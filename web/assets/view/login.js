// login.js - client id and secret for a token. Neither is kept; the token lives as long as the tab.
import { problem } from '../logic/words.js'
import { h, setText } from './dom.js'

export class Login {
  constructor({ api, onLogin }) {
    const id = h('input', {
      id: 'client-id',
      name: 'client_id',
      type: 'text',
      autocomplete: 'username',
      spellcheck: 'false',
      required: true
    })
    const secret = h('input', {
      id: 'client-secret',
      name: 'client_secret',
      type: 'password',
      autocomplete: 'current-password',
      required: true
    })
    const said = h('p', { class: 'said', role: 'alert' })
    const submit = async (event) => {
      event.preventDefault()
      setText(said, '')
      try {
        onLogin(await api.login(id.value.trim(), secret.value.trim()))
      } catch (failure) {
        said.className = 'said bad'
        setText(said, failure.status === 401 ? 'No such client, or another secret.' : problem(failure))
        secret.focus()
      }
    }
    this.element = h(
      'section',
      { class: 'panel login', 'aria-label': 'Log in' },
      h('h1', {}, 'Log in'),
      h('p', { class: 'faint' }, 'With a client’s id and secret, as oxd client add has printed them.'),
      h(
        'form',
        { onsubmit: submit },
        h('div', { class: 'field' }, h('label', { for: 'client-id' }, 'Client id'), id),
        h('div', { class: 'field' }, h('label', { for: 'client-secret' }, 'Secret'), secret),
        h('button', { type: 'submit', class: 'primary' }, 'Log in'),
        said
      )
    )
  }
}

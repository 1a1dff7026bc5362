/* completion.c - oxctl completion: what a shell needs to complete commands and options by TAB, from
 * the table of commands. */
#include <string.h>

#include "ctl/command.h"

/* ── bash ───────────────────────────────────────────────────────────────────────────────────── */

/* The first words of commands, each once; a command of two words is followed by its fellows. */
static bool is_first(const struct command *const *c)
{
  size_t len = strcspn((*c)->name, " ");
  return c == command_table || strncmp(c[-1]->name, (*c)->name, len) != 0 ||
         (c[-1]->name[len] != ' ' && c[-1]->name[len] != '\0');
}

static void put_firsts(FILE *out)
{
  for (const struct command *const *c = command_table; *c; c++)
    if (is_first(c)) fprintf(out, " %.*s", (int)strcspn((*c)->name, " "), (*c)->name);
}

static void put_seconds(const struct command *const *c, FILE *out)
{
  size_t len = strcspn((*c)->name, " ");
  for (; *c && strncmp((*c)->name, (*c)->name, len) == 0 && (*c)->name[len] == ' '; c++) {
    fprintf(out, " %s", (*c)->name + len + 1);
    if (!c[1] || strncmp(c[1]->name, (*c)->name, len + 1) != 0) return;
  }
}

static void put_names(const struct option *table, FILE *out)
{
  for (const struct option *o = table; o && o->name; o++) fprintf(out, " --%s", o->name);
}

/* What an option's value may be: a case of the word before. */
static void put_values(const struct option *table, FILE *out)
{
  for (const struct option *o = table; o && o->name; o++) {
    if (o->kind == OPTION_FILE)
      fprintf(out, "    --%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", o->name);
    if (o->kind != OPTION_WORD) continue;
    fprintf(out, "    --%s) COMPREPLY=($(compgen -W \"", o->name);
    for (const char *p = o->value; *p; p++) fputc(*p == '|' ? ' ' : *p, out);
    fputs("\" -- \"$cur\")); return ;;\n", out);
  }
}

static void print_bash(FILE *out)
{
  fputs("# oxctl completion bash: source it, or put it into bash_completion.d\n"
        "_oxctl() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} options\n"
        "  local command=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
        "  COMPREPLY=()\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    COMPREPLY=($(compgen -W \"",
        out);
  put_firsts(out);
  fputs(" --help --version\" -- \"$cur\")); return\n  fi\n  if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
        "    case ${COMP_WORDS[1]} in\n",
        out);
  for (const struct command *const *c = command_table; *c; c++) {
    if (!is_first(c) || !strchr((*c)->name, ' ')) continue;
    fprintf(out, "    %.*s) COMPREPLY=($(compgen -W \"", (int)strcspn((*c)->name, " "), (*c)->name);
    put_seconds(c, out);
    fputs("\" -- \"$cur\")); return ;;\n", out);
  }
  fputs("    esac\n  fi\n  case $command in\n", out);
  for (const struct command *const *c = command_table; *c; c++) {
    bool two = strchr((*c)->name, ' ') != NULL;
    fprintf(out, "  \"%s%s\"*)\n    options=\"", (*c)->name, two ? "" : " ");
    put_names((*c)->options, out);
    fputs("\"\n    case $prev in\n", out);
    put_values((*c)->options, out);
    fputs("    esac ;;\n", out);
  }
  fputs("  esac\n  case $prev in\n", out);
  put_values(command_options, out);
  fputs("  esac\n  case $cur in\n  -*) COMPREPLY=($(compgen -W \"$options", out);
  put_names(command_options, out);
  fputs("\" -- \"$cur\")) ;;\n  *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n  esac\n}\n"
        "complete -F _oxctl oxctl\n",
        out);
}

/* ── zsh ────────────────────────────────────────────────────────────────────────────────────── */

/* Inside single quotes, and inside _arguments' brackets and colons. */
static void put_zsh(const char *text, FILE *out)
{
  for (; *text; text++) {
    if (*text == '\'')
      fputs("'\\''", out);
    else if (strchr("[]:\\", *text))
      fprintf(out, "\\%c", *text);
    else
      fputc(*text, out);
  }
}

static void put_specs(const struct option *table, FILE *out)
{
  for (const struct option *o = table; o && o->name; o++) {
    fprintf(out, "      '--%s%s[", o->name, o->value ? "=" : "");
    put_zsh(o->help, out);
    fputc(']', out);
    if (o->kind == OPTION_FILE)
      fputs(":file:_files", out);
    else if (o->kind == OPTION_WORD) {
      fputs(":word:(", out);
      for (const char *p = o->value; *p; p++) fputc(*p == '|' ? ' ' : *p, out);
      fputc(')', out);
    } else if (o->value) {
      fputc(':', out);
      put_zsh(o->value, out);
      fputs(": ", out);
    }
    fputs("' \\\n", out);
  }
}

static void print_zsh(FILE *out)
{
  fputs("#compdef oxctl\n# oxctl completion zsh: put it as _oxctl into a folder of "
        "$fpath\n_oxctl() {\n"
        "  local command=\"$words[2]\"\n  if (( CURRENT == 2 )); then\n    compadd --",
        out);
  put_firsts(out);
  fputs(" --help --version\n    return\n  fi\n  case $command in\n", out);
  for (const struct command *const *c = command_table; *c; c++) {
    if (!is_first(c) || !strchr((*c)->name, ' ')) continue;
    fprintf(out, "  %.*s)\n    if (( CURRENT == 3 )); then compadd --",
            (int)strcspn((*c)->name, " "), (*c)->name);
    put_seconds(c, out);
    fputs("; return; fi\n    command+=\" $words[3]\" ;;\n", out);
  }
  fputs("  esac\n  case $command in\n", out);
  for (const struct command *const *c = command_table; *c; c++) {
    fprintf(out, "  '%s')\n    _arguments \\\n", (*c)->name);
    put_specs((*c)->options, out);
    put_specs(command_options, out);
    fputs("      '*:file:_files' ;;\n", out);
  }
  fputs("  esac\n}\nif [ \"$funcstack[1]\" = _oxctl ]; then _oxctl \"$@\"; else compdef _oxctl "
        "oxctl; "
        "fi\n",
        out);
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  (void)s;
  if (strcmp(a->operands[0], "bash") == 0)
    print_bash(stdout);
  else if (strcmp(a->operands[0], "zsh") == 0)
    print_zsh(stdout);
  else
    return fputs("oxctl completion: bash or zsh\n", stderr) < 0 ? EXIT_LOCAL : EXIT_USAGE;
  return EXIT_DONE;
}

const struct command command_completion = {
    .name = "completion",
    .operands = "bash|zsh",
    .least = 1,
    .most = 1,
    .summary = "Print what a shell needs to complete commands and options",
    .about =
        "bash: source <(oxctl completion bash). zsh: oxctl completion zsh >~/.zfunc/_oxctl, and "
        "fpath+=~/.zfunc before compinit.",
    .run = run,
    .offline = true,
};

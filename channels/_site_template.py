"""The HTML of a static site, as Jinja2 templates with automatic escaping."""

from __future__ import annotations

_HEAD = """\
<!doctype html>
<html lang="{{ look.language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<style>
:root { --paper: #ffffff; --ink: #1a1c1e; --faint: #50565c; --line: #d4d8dc; --link: #0b57a4;
  --warn: #7a3e00; --warn-paper: #fff3e0; --good: #0d5c2f; --good-paper: #e8f6ed; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181b; --ink: #e9ecef; --faint: #a9b1b8; --line: #394047; --link: #8ec7ff;
    --warn: #ffc680; --warn-paper: #33240f; --good: #8fe0ac; --good-paper: #10291a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 44rem; padding: 1.25rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word; }
a { color: var(--link); }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
.who, .meta, footer { color: var(--faint); }
.who { margin: 0; }
h1 { margin: 0 0 1.5rem; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 2rem 0 .75rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1.0625rem; }
.now { border-left: .375rem solid var(--good); background: var(--good-paper); padding: .875rem 1rem; }
.now strong { color: var(--good); font-size: 1.25rem; }
.now.disruption { border-color: var(--warn); background: var(--warn-paper); }
.now.disruption strong { color: var(--warn); }
.now p { margin: .25rem 0 0; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
.meta { margin: .125rem 0 .5rem; font-size: .9375rem; }
.text { margin: 0; white-space: pre-line; }
.picture { display: block; max-width: 100%; height: auto; margin: .75rem 0 0; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: .9375rem; }
</style>
"""

_FOOT = """\
<footer>
<p>{{ look.organisation }}{% if look.website %} · <a href="{{ look.website }}">{{ look.website }}</a>{% endif %}
{% if look.contact %} · {{ look.contact }}{% endif %}</p>
"""

_STATEMENT = """\
<p class="meta">{{ labels[said.statement] }}
{%- if said.platforms %}: {{ said.platforms | map("title_of") | join(", ") }}{% endif %}
 · <time datetime="{{ said.created_at | iso }}">{{ said.created_at | when }}</time>
{% if said.reference %} · Reference {{ said.reference }}{% endif %}</p>
<p class="text">{{ said.text | urlize(rel="noopener") }}</p>
{% if said.picture %}
<img class="picture" src="{{ here }}{{ said.picture }}" alt="{{ said.alt }}">
{% endif %}
"""

INDEX = (
    _HEAD
    + """\
<title>{{ look.title }}</title>
<link rel="alternate" type="application/atom+xml" title="{{ look.title }}" href="{{ feed }}">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header>
<p class="who">{{ look.organisation }}</p>
<h1>{{ look.title }}</h1>
</header>
<main id="content">
<section aria-labelledby="current">
<h2 id="current">Current status</h2>
{% if all_clear %}
<div class="now"><strong>{{ all_clear }}</strong></div>
{% endif %}
{% for one in disruptions %}
<div class="now disruption"><strong>Disruption</strong>
<p>{{ one.last.platforms | map("title_of") | join(", ") or one.last.headline }}, since
<time datetime="{{ one.since | iso }}">{{ one.since | when }}</time></p></div>
{% endfor %}
</section>
<section aria-labelledby="statements">
<h2 id="statements">Statements</h2>
{% for said in statements %}
<article id="s-{{ said.slug }}" aria-labelledby="h-{{ said.slug }}">
<h3 id="h-{{ said.slug }}"><a href="{{ folder }}/{{ said.slug }}.html">
{{- said.headline or labels[said.statement] }}</a></h3>
"""
    + _STATEMENT
    + """\
{% if said.slug in ended %}
<p class="meta">Over since <time datetime="{{ ended[said.slug] | iso }}">{{ ended[said.slug] | when }}</time></p>
{% endif %}
</article>
{% else %}
<p>Nothing has been said yet.</p>
{% endfor %}
</section>
</main>
"""
    + _FOOT
    + """\
<p><a href="{{ feed }}">Subscribe to these statements (Atom feed)</a></p>
</footer>
</body>
</html>
"""
)

PAGE = (
    _HEAD
    + """\
<title>{{ said.headline or labels[said.statement] }} · {{ look.organisation }}</title>
</head>
<body>
<header>
<p class="who"><a href="../index.html">{{ look.title }}</a></p>
<h1>{{ said.headline or labels[said.statement] }}</h1>
</header>
<main>
<article>
"""
    + _STATEMENT
    + """\
</article>
</main>
"""
    + _FOOT
    + """\
</footer>
</body>
</html>
"""
)

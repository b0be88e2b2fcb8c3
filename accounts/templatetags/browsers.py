"""A browser in words, for allauth's list of sessions and its mails."""

from django import template

from accounts.presenters import browser_in_words

register = template.Library()
register.filter("browser", browser_in_words)

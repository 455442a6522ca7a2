"""Evolution-Data-Server, driven as Evolution and GNOME Contacts drive it.

One JSON command a line on standard input, one JSON answer a line on standard output; the end of the input ends it.
Runs under dbus-run-session with directories of its own; credentials are handed over when the server asks for them, so no
keyring is needed.
"""

import json
import sys
import time

import gi

gi.require_version("EDataServer", "1.2")
gi.require_version("EBook", "1.2")
gi.require_version("EBookContacts", "1.2")
from gi.repository import EBook, EBookContacts, EDataServer, GLib  # noqa: E402

NO_FLAGS = EBookContacts.BookOperationFlags.NONE
VCARD_3 = getattr(EBookContacts.VCardFormat, "30")
DO_NOT_WAIT = 0xFFFFFFFF
PATIENCE = 30


def pump(seconds):
    """Lets signals arrive."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        while GLib.MainContext.default().iteration(False):
            pass
        time.sleep(0.02)


def wait_for(what, look):
    for _ in range(PATIENCE * 10):
        pump(0.1)
        found = look()
        if found:
            return found
    raise TimeoutError(f"not within {PATIENCE} s: {what}")


class Evolution:
    def __init__(self):
        self.registry = EDataServer.SourceRegistry.new_sync(None)
        self.client = None

    def account(self, url, username, password):
        """Adds a collection account with the server's address alone; the address books are found by discovery."""
        address = GLib.Uri.parse(url, GLib.UriFlags.NONE)

        def authenticate(_, source, *__):
            credentials = EDataServer.NamedParameters.new()
            credentials.set("username", username)
            credentials.set("password", password)
            source.invoke_authenticate_sync(credentials, None)

        self.registry.connect("credentials-required", authenticate)
        source = EDataServer.Source.new(None, None)
        source.set_display_name("Kith")
        collection = source.get_extension("Collection")
        collection.set_backend_name("webdav")
        collection.set_identity(username)
        collection.set_contacts_url(url)
        collection.set_contacts_enabled(True)
        collection.set_calendar_enabled(False)
        collection.set_mail_enabled(False)
        authentication = source.get_extension("Authentication")
        authentication.set_user(username)
        authentication.set_host(address.get_host())
        authentication.set_port(address.get_port())
        authentication.set_method("plain/password")
        source.get_extension("Security").set_method("none")
        source.get_extension("WebDAV Backend").set_uri(address)
        self.registry.commit_source_sync(source, None)

        def books():
            listed = self.registry.list_sources("Address Book")
            return [book for book in listed if book.get_parent() == source.get_uid()]

        wait_for("the server's address books are found", books)
        pump(1)
        found = books()
        self.client = EBook.BookClient.connect_sync(found[0], DO_NOT_WAIT, None)
        connected = EDataServer.SourceConnectionStatus.CONNECTED
        wait_for("the book is connected", lambda: found[0].get_connection_status() == connected)
        wait_for("the book can be written", lambda: not self.client.is_readonly())
        return [
            {
                "name": book.get_display_name(),
                "backend": book.get_extension("Address Book").get_backend_name(),
                "path": book.get_extension("WebDAV Backend").get_resource_path(),
            }
            for book in found
        ]

    def refresh(self):
        self.client.refresh_sync(None)
        pump(0.3)

    def contacts(self):
        pump(0.1)
        _, contacts = self.client.get_contacts_sync("#t", None)
        return [
            {
                "uid": contact.get_property("id"),
                "name": contact.get_property("full-name"),
                "vcard": contact.to_string(VCARD_3),
            }
            for contact in contacts
        ]

    def add_email(self, uid, email):
        """As the contact editor does it: another attribute on the contact as it is."""
        _, contact = self.client.get_contact_sync(uid, None)
        attribute = EBookContacts.VCardAttribute.new(None, "EMAIL")
        kind = EBookContacts.VCardAttributeParam.new("TYPE")
        kind.add_value("HOME")
        attribute.add_param(kind)
        attribute.add_value(email)
        contact.add_attribute(attribute)
        return self.client.modify_contact_sync(contact, NO_FLAGS, None)

    def add(self, vcard):
        contact = EBookContacts.Contact.new_from_vcard(vcard)
        _, uid = self.client.add_contact_sync(contact, NO_FLAGS, None)
        return uid

    def remove(self, uid):
        return self.client.remove_contact_by_uid_sync(uid, NO_FLAGS, None)


def main():
    evolution = Evolution()
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = {"result": getattr(evolution, name)(*arguments)}
        except (GLib.Error, TimeoutError, RuntimeError, TypeError) as error:
            answer = {"error": f"{name}: {error}"}
        print(json.dumps(answer), flush=True)


main()

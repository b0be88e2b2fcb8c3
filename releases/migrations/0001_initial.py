import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Edition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('variant', models.SlugField(blank=True, help_text='A branch of the source, such as practitioner; empty if it has one.')),
                ('label', models.SlugField(help_text='Its date as the publisher counts: 2019, 2026Q1, 2026-04.', max_length=24)),
                ('effective_on', models.DateField()),
                ('is_sample', models.BooleanField(default=False, help_text='A few rows for development. Any whole edition takes its place; nothing is compared with it.')),
                ('lacks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, help_text='Columns and groups of rows that its files do not have: unknown, not blank.', size=None)),
                ('sha256', models.CharField(help_text="Of all its files together; of one file, the file's own.", max_length=64)),
                ('row_count', models.PositiveIntegerField(default=0)),
                ('report', models.JSONField(default=dict)),
                ('is_current', models.BooleanField(default=False)),
                ('imported_at', models.DateTimeField(auto_now_add=True)),
                ('published_at', models.DateTimeField(blank=True, help_text='When it was last made current; null if it never was.', null=True)),
            ],
            options={
                'ordering': ['source', 'variant', '-effective_on'],
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('name', models.CharField(max_length=120)),
                ('publisher', models.CharField(max_length=120)),
                ('cadence', models.CharField(blank=True, help_text='How often the publisher releases it.', max_length=120)),
                ('cadence_months', models.PositiveSmallIntegerField(blank=True, help_text='Months between two editions; the freshness board tells when one is due.', null=True)),
                ('url', models.URLField(blank=True)),
                ('licence', models.CharField(blank=True, max_length=200)),
                ('notes', models.TextField(blank=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='EditionFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='A member of an archive is named with it: archive.zip/member.txt.', max_length=255)),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.PositiveBigIntegerField(help_text='In bytes.')),
                ('fetched_from', models.CharField(blank=True, help_text='The address it was downloaded from.', max_length=1000)),
                ('edition', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='releases.edition')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='edition',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='editions', to='releases.source'),
        ),
        migrations.AddConstraint(
            model_name='edition',
            constraint=models.UniqueConstraint(fields=('source', 'variant', 'label'), name='edition_once_per_label'),
        ),
        migrations.AddConstraint(
            model_name='edition',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('source', 'variant'), name='edition_one_current'),
        ),
        migrations.AddConstraint(
            model_name='edition',
            constraint=models.CheckConstraint(condition=models.Q(('is_current', False), ('published_at__isnull', False), _connector='OR'), name='edition_current_was_published'),
        ),
    ]

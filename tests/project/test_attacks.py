"""Every attack that was made on the program, by its kind, and the tests that hold it: a test that goes takes its line with it."""

from __future__ import annotations

import re

import pytest

from tests.project.tree import ROOT
from tests.some import some

FORGERY = "trust/test_coverage.py::test_a_forgery_is_not_verified"
ATTACKS = {
    "01 SQL that writes": (
        "query/test_guard.py::test_everything_else_is_refused_before_it_runs",
        "query/test_guard.py::test_what_the_check_misses_still_writes_nothing_and_reads_no_file",
        "query/test_guard.py::test_every_function_is_either_on_the_list_or_refused",
        "query/test_fuzz_sql.py::test_no_statement_of_a_grammar_touches_a_file_or_ends_in_anything_but_a_sentence",
    ),
    "01 SQL that takes all there is": (
        "query/test_guard.py::test_what_takes_too_long_is_ended",
        "query/test_guard.py::test_a_text_larger_than_memory_ends_with_a_sentence",
        "query/test_guard.py::test_what_may_be_spilled_to_the_disk_is_limited",
        "query/test_lake.py::test_an_answer_that_is_larger_than_memory_ends_with_a_sentence",
        "query/test_lake.py::test_an_answer_that_takes_too_long_is_ended_in_its_middle",
    ),
    "02 a mail signed for another purpose, read as a report": (
        FORGERY,
        "trust/test_coverage.py::test_the_word_of_the_own_server_is_no_more_than_what_the_signature_covers",
        "trust/test_coverage.py::test_a_rebuild_holds_old_verdicts_against_the_rule_without_asking_the_dns",
        "trust/test_coverage.py::test_what_real_senders_sign_is_enough",
    ),
    "02 an identity that looks like another": (
        "trust/test_impostors.py::test_a_contact_that_looks_like_a_known_reporter_is_not_his",
        "trust/test_impostors.py::test_a_sender_that_looks_like_a_known_reporter_is_not_his",
        "trust/test_impostors.py::test_a_signing_domain_that_contains_a_known_name_is_not_it",
        "trust/test_judge.py::test_a_public_suffix_speaks_for_nobody",
        "trust/test_coverage.py::test_a_sub_domain_is_a_reporter_of_its_own",
    ),
    "02 a damaged signature": (
        "trust/test_judge.py::test_a_length_tag_is_refused_even_when_it_is_exact",
        "trust/test_judge.py::test_a_second_from_header_breaks_the_signature",
        "trust/test_judge.py::test_a_signature_that_does_not_cover_from_is_refused",
        "trust/test_judge.py::test_nonsense_in_a_tag_is_a_permanent_error",
        "trust/test_properties.py::test_a_report_that_was_changed_is_not_verified",
    ),
    "02 sixty copies with other counts": ("insight/test_disputed.py", "trust/test_ingest.py"),
    "02 a report about another's host": (
        "trust/test_coverage.py::test_a_genuine_report_about_others_hosts_does_not_count_for_a_domain_that_nobody_signed",
        "trust/test_coverage.py::test_what_a_server_attested_about_others_hosts_does_not_count_for_a_domain_that_nobody_signed",
    ),
    "04 known within an afternoon": (
        "insight/test_known.py::test_days_of_receipt_make_a_reporter_known",
        "insight/test_known.py::test_two_domains_bought_this_morning_make_nothing_ready",
        "insight/test_known.py::test_a_backdated_reporter_makes_no_incident_ours",
    ),
    "07 one line that takes minutes to look at": (
        "report/test_headers.py::test_the_subject_of_the_standard_is_read_in_its_variants",
        "mailbox/test_mbox.py::test_a_line_of_many_times_of_day_is_told_from_the_begin_of_a_mail_at_once",
    ),
    "07 one mail that stops every answer": (
        "query/test_bounds.py::test_every_question_is_answered",
        "query/test_bounds.py::test_every_command_says_something",
        "query/test_bounds.py::test_what_is_sent_scraped_and_planned_is_made",
        "query/test_bounds.py::test_every_conclusion_is_drawn",
        "dashboard/test_pages.py::test_what_pages_lead_to_is_drawn_for_rows_at_every_bound",
    ),
    "12 sign-in": (
        "dashboard/test_sign_in.py::test_nobody_sees_a_page_before_signing_in_and_then_only_who_is_on_the_list",
        "dashboard/test_sign_in.py::test_a_forged_cookie_opens_nothing",
        "dashboard/test_sign_in.py::test_nothing_is_told_before_signing_in_and_no_other_page_frames_this_one",
        "dashboard/test_sign_in.py::test_an_address_of_the_sign_in_leads_nowhere_else_and_repeats_nothing",
        "dashboard/test_sign_in.py::test_a_public_page_with_a_sign_in_does_not_start_before_it_says_who_may_enter",
        "dashboard/test_sign_in.py::test_who_is_not_on_the_list_or_not_verified_sees_the_door",
        "dashboard/test_sign_in.py::test_a_browser_that_asks_under_another_name_gets_no_session",
    ),
    "14 a damaged lake": (
        "lake/test_whole.py::test_a_table_that_lost_what_was_committed_is_refused_by_readers_and_writers",
        "lake/test_whole.py::test_every_question_ends_with_74_and_one_sentence",
        "lake/test_whole.py::test_doctor_opens_every_footer",
        "query/test_lake.py::test_an_engine_that_duckdb_has_given_up_is_replaced",
    ),
    "15 slow and hostile servers": (
        "published/test_patience.py::test_the_command_takes_as_long_for_twelve_slow_servers_as_for_one",
        "published/test_patience.py::test_a_policy_host_that_trickles_is_left_at_the_deadline",
        "published/test_patience.py::test_a_mail_server_that_trickles_is_left_at_the_deadline",
        "published/test_patience.py::test_a_name_server_that_does_not_answer_is_left_at_the_deadline",
    ),
    "16 Authentication-Results": (
        "trust/test_authres.py::test_everything_else_does_not",
        "trust/test_authres.py::test_text_that_a_sender_put_into_another_result_cannot_pass",
        "trust/test_authres.py::test_fields_of_similar_names_are_not_read",
        "trust/test_authres.py::test_only_the_topmost_block_counts",
    ),
    "16 a share of the day": ("trust/test_reporters.py::test_a_new_name_in_every_mail_does_not_help",),
    "big40: a member over the limit": ("mailbox/test_odd_paths.py::test_a_member_of_a_tar_that_is_too_large_leaves_the_others",),
    "first day: modules planted in the folder": ("start_up/test_planted.py::test_every_python_we_start_is_started_with_its_safe_path",),
    "later: groups": (
        "query/test_groups.py::test_what_is_the_operators_is_refused",
        "query/test_groups.py::test_no_question_goes_around_the_views",
        "dashboard/test_groups.py::test_no_page_says_a_word_of_others_whoever_looked_before",
        "dashboard/test_groups.py::test_a_thread_that_works_for_nobody_sees_nothing",
    ),
    "a member: every door": (
        "dashboard/test_group_doors.py::test_nothing_of_others_comes_through_any_door_in_many_worlds",
        "dashboard/test_groups.py::test_members_of_two_groups_and_of_none_sign_in",
        "query/test_groups.py::test_no_command_says_a_word_of_others",
    ),
    "a member: other spellings of others' domains": (
        "query/test_groups.py::test_however_others_are_spelled_nothing_of_a_report_names_them",
        "project/test_group_settings.py::test_a_mistake_is_told_in_one_sentence",
    ),
    "a member: who looks like a member": (
        "project/test_group_settings.py::test_who_is_in_which_groups",
        "dashboard/test_sign_in.py::test_the_list_holds_addresses_and_domains_that_the_provider_has_verified",
        "dashboard/test_sign_in.py::test_where_the_operator_vouches_for_addresses_one_that_the_provider_disowns_is_not_let_in",
    ),
    "a member: groups that change meanwhile": (
        "dashboard/test_groups.py::test_groups_that_change_in_the_middle_of_a_step_mix_nothing",
        "dashboard/test_groups.py::test_a_changed_group_counts_at_once_and_a_broken_file_changes_nothing",
        "dashboard/test_group_doors.py::test_who_is_moved_to_another_group_with_a_page_open_sees_nothing_of_the_one_before",
    ),
    "a member: whether others have a domain": ("dashboard/test_api.py::test_a_domain_of_others_is_answered_like_one_that_nobody_has",),
    "a member: links in the folder of months": ("analyst/test_report.py::test_a_month_of_every_domain_is_written_as_a_folder",),
    "a member: the audit pushed out": ("notify/test_audit.py::test_whoever_comes_again_and_again_pushes_out_nobody_else",),
    "later: the API": (
        "dashboard/test_api.py::test_an_error_is_one_sentence",
        "dashboard/test_api.py::test_a_token_that_two_groups_have_opens_neither",
        "dashboard/test_api.py::test_whatever_is_asked_is_answered_as_described",
        "dashboard/test_api.py::test_the_first_and_the_last_day_there_is_can_be_asked",
    ),
    "later: the audit": (
        "notify/test_audit.py::test_refusals_push_nothing_else_out",
        "notify/test_audit.py::test_no_word_of_a_provider_or_sender_forges_a_line_or_is_run",
    ),
    "later: HTTPS intake and pipe": (
        "receive/test_receive.py::test_a_refusal_says_why_and_repeats_nothing_of_what_came",
        "receive/test_receive.py::test_a_sender_that_stalls_is_let_go_in_the_head_and_in_the_body",
        "receive/test_receive.py::test_what_is_no_http_is_answered_and_harms_nobody",
        "receive/test_intake.py::test_all_bodies_together_have_a_bound",
        "receive/test_senders.py::test_what_means_to_harm_is_answered_and_ends_like_by_mail",
    ),
    "later: S3 and Graph as sources": (
        "ingest/test_graph.py::test_a_next_page_elsewhere_gets_no_token",
        "ingest/test_graph.py::test_a_missing_permission_is_named_and_no_words_of_the_server_are_repeated",
        "ingest/test_graph.py::test_a_mail_that_is_too_large_is_not_held",
        "ingest/test_bucket_source.py::test_what_is_too_large_is_not_fetched",
        "ingest/test_bucket_source.py::test_an_object_that_is_replaced_in_the_last_moment_is_not_deleted",
    ),
    "later: backups": (
        "lake/test_backup_file.py::test_an_archive_that_is_no_backup_writes_nothing_outside",
        "lake/test_backup_file.py::test_a_backup_that_claims_more_than_memory_is_refused_before_it_is_read",
        "lake/test_backup_file.py::test_a_backup_with_a_flipped_bit_makes_no_lake",
    ),
    "later: notices, digest, metrics": (
        "notify/test_sending.py::test_nothing_of_a_hostile_name_is_obeyed_by_any_format",
        "notify/test_sending.py::test_a_redirect_is_not_followed",
        "notify/test_digest.py::test_nothing_hostile_reaches_the_page",
        "notify/test_metrics.py::test_no_name_forges_a_line",
        "notify/test_metrics.py::test_who_opens_many_connections_and_says_nothing_keeps_nobody_out",
    ),
    "later: units and crontabs": (
        "project/test_units.py::test_a_path_that_no_unit_can_hold_is_refused_with_a_sentence",
        "project/test_units.py::test_a_user_that_is_none_is_refused",
        "project/test_units.py::test_a_line_of_cron_is_no_program_of_a_shell",
        "project/test_units.py::test_a_percent_sign_is_no_specifier_and_no_newline",
    ),
}
HELD = {
    "forgeries": (FORGERY,),
    "spoofed Authentication-Results": ("trust/test_properties.py::test_no_results_field_makes_the_judge_raise_or_believe",),
    "resource bombs": (
        "hostile/test_hostile.py::test_a_trick_gets_its_code_within_its_bounds",
        "report/test_inflate.py::test_a_bomb_costs_the_limit_and_no_more",
        "trust/test_properties.py::test_a_key_out_of_all_proportion_costs_nothing",
    ),
    "odd JSON": (
        "report/test_strict_json.py::test_a_text_is_read_or_refused_with_its_code",
        "report/test_strict_json.py::test_no_bytes_make_it_raise_anything_else",
    ),
    "traversal, links and devices": (
        "mailbox/test_odd_paths.py::test_a_pipe_or_device_on_the_command_line_is_refused_at_once",
        "mailbox/test_files.py::test_a_symlink_loop_is_walked_once",
    ),
    "the SQL guard": ("query/test_guard.py::test_nothing_outside_the_lake_is_read", "query/test_guard.py::test_a_file_is_no_table"),
    "payloads in text fields on every page": (
        "dashboard/test_pages.py::test_every_page_is_drawn_and_nothing_a_report_says_is_executed_or_fetched",
        "dashboard/test_ways.py::test_an_incident_made_of_attacks_is_plain_text",
    ),
    "rebinding and foreign origins": ("dashboard/test_sign_in.py::test_a_browser_that_asks_under_another_name_gets_no_session",),
    "exported cells": (
        "query/test_output.py::test_a_cell_that_begins_like_a_formula_gets_an_apostrophe",
        "dashboard/test_ways.py::test_no_table_gives_away_text_that_a_spreadsheet_would_run",
    ),
    "hostile servers": ("published/test_situations.py::test_each_situation_has_its_finding_and_no_other",),
    "SIGKILL at any moment": (
        "lake/test_crash.py::test_killed_at_random_moments_it_comes_to_the_same_lake",
        "lake/test_crash.py::test_ingest_killed_at_every_point_comes_to_the_same_lake",
    ),
    "full and read-only disks, stale locks": (
        "lake/test_opening.py::test_a_full_disk_is_one_sentence_and_harms_nothing_stored",
        "lake/test_opening.py::test_the_lock_of_a_dead_writer_is_free",
        "lake/test_opening.py::test_a_lake_that_may_not_be_read_is_said_in_one_sentence",
    ),
    "corruption": ("lake/test_opening.py::TestAfterAPowerCut",),
    "packages pinned by hash": ("project/test_setup.py",),
}


@pytest.mark.parametrize("kind", [*ATTACKS, *HELD])
def test_each_kind_of_attack_has_its_tests(kind):
    for named in some({**ATTACKS, **HELD}[kind]):
        file, _, test = named.partition("::")
        path = ROOT / "tests" / file
        assert path.is_file(), f"{named}: there is no such file"
        assert not test or re.search(rf"^\s*(?:def|class) {test}\b", path.read_text(encoding="utf-8"), re.MULTILINE), named
